"""Refusals of files and pictures (证据)."""

from sync.refusals.said import Kind, Said

UPLOAD_NOT_FOUND = Said(
    "evidence.upload-not-found",
    Kind.MISSING,
    "There is no such upload of this device.",
    "该终端没有此上传任务",
    "Ask which files are wanted and create the upload again.",
    "请重新查询所需文件并重新创建上传。",
)
UPLOAD_EXPIRED = Said(
    "evidence.upload-expired",
    Kind.GONE,
    "This upload was left unfinished for too long.",
    "该上传任务长期未完成，已过期",
    "Create it again; the file on the device is untouched.",
    "请重新创建上传；终端上的文件不受影响。",
)
UPLOAD_OFFSET_WRONG = Said(
    "evidence.offset-wrong",
    Kind.CONFLICT,
    "The upload does not stand where this part begins.",
    "上传进度与本段起点不一致",
    "Ask for the offset with HEAD and go on from there.",
    "请用 HEAD 查询进度后续传。",
)
UPLOAD_VERSION_UNKNOWN = Said(
    "evidence.tus-version-unknown",
    Kind.UNSUPPORTED,
    "The upload protocol's version is missing or not spoken here.",
    "缺少上传协议版本或版本不受支持",
    "Send the header Tus-Resumable: 1.0.0.",
    "请发送请求头 Tus-Resumable: 1.0.0。",
)
UPLOAD_TYPE_WRONG = Said(
    "evidence.content-type-wrong",
    Kind.UNSUPPORTED,
    "A part of a file must come as application/offset+octet-stream.",
    "文件分段须以 application/offset+octet-stream 发送",
    "Set that Content-Type.",
    "请设置该 Content-Type。",
)
UPLOAD_HEADER_INVALID = Said(
    "evidence.header-invalid",
    Kind.INVALID,
    "A header of the upload is missing or malformed.",
    "上传请求头缺失或格式错误",
    "Correct the header named in `header`.",
    "请更正 `header` 所指请求头。",
)
UPLOAD_EXTENSION_UNKNOWN = Said(
    "evidence.extension-unknown",
    Kind.UNSUPPORTED,
    "This extension of the upload protocol is not offered here.",
    "服务器不提供该上传协议扩展",
    "Leave out the header named in `header`; announce the whole size in Upload-Length.",
    "请去掉 `header` 所指请求头，并以 Upload-Length 申报完整大小。",
)
UPLOADS_TOO_MANY = Said(
    "evidence.uploads-too-many",
    Kind.TOO_MANY,
    "This device has begun too many uploads, or too large ones, that it did not finish.",
    "该终端未完成的上传任务过多或过大",
    "Finish them, or give them up with DELETE; after a day the oldest give way by themselves.",
    "请完成未完成的上传，或用 DELETE 放弃；满一日后最早的任务自动让出。",
)
EVIDENCE_TOO_LARGE = Said(
    "evidence.too-large",
    Kind.TOO_LARGE,
    "The file, or this part of it, is over the limit.",
    "文件或本段内容超过大小上限",
    "Send no more than `limit_bytes`.",
    "请勿超过 `limit_bytes` 字节。",
)
EVIDENCE_DIGEST_WRONG = Said(
    "evidence.digest-wrong",
    Kind.INVALID,
    "The bytes that arrived are not the file that was announced.",
    "收到的内容与申报的摘要不符",
    "Send the file again from the start; if it happens again, the device's copy is damaged.",
    "请从头重传；若再次出现，则终端上的文件已损坏。",
)
EVIDENCE_DAMAGED = Said(
    "evidence.damaged-on-device",
    Kind.INVALID,
    "The file on the device is not what it was when it was recorded.",
    "终端上的文件与记录时不符",
    "Look for another copy; the record of the file stays.",
    "请查找其他副本；文件的记录不会丢失。",
)
STORAGE_FULL = Said(
    "evidence.storage-full",
    Kind.BUSY,
    "The server has no room for files left.",
    "服务器存储空间不足",
    "Wait until the operator has made room; nothing was lost.",
    "请等待管理员扩容后重试；数据未丢失。",
)
PHOTO_UNREADABLE = Said(
    "photo.unreadable",
    Kind.INVALID,
    "The file says it is a picture, but it is not one.",
    "文件声称是图片，但无法识别",
    "It is kept as it is; photograph again if you still can.",
    "原文件已保留；如有条件请重新拍摄。",
)
PHOTO_TRUNCATED = Said(
    "photo.truncated",
    Kind.INVALID,
    "The picture breaks off or is damaged.",
    "图片不完整或已损坏",
    "It is kept as it is; photograph again if you still can.",
    "原文件已保留；如有条件请重新拍摄。",
)
PHOTO_TOO_MANY_PIXELS = Said(
    "photo.too-many-pixels",
    Kind.TOO_LARGE,
    "The picture would unfold to more pixels than allowed.",
    "图片展开后的像素数超过上限",
    "It is kept but not opened; the limit is `pixels_max`.",
    "原文件已保留但不予打开；上限为 `pixels_max`。",
)
PHOTO_FORMAT_UNSUPPORTED = Said(
    "photo.format-unsupported",
    Kind.UNSUPPORTED,
    "Pictures of this format cannot be opened here yet.",
    "暂不支持打开该格式的图片",
    "It is kept as it is; set the camera to JPEG to see previews.",
    "原文件已保留；如需预览请将相机设为 JPEG。",
)
LAYER_WRONG = Said(
    "photo.layer-wrong",
    Kind.INVALID,
    "The annotation cannot be read.",
    "标注文件无法读取",
    "See docs/reference/evidence.md for what it may hold, and `problem`.",
    "可用内容见 docs/reference/evidence.md，原因见 `problem`。",
)
LAYER_OF_NOTHING = Said(
    "photo.layer-of-nothing",
    Kind.INVALID,
    "The inspection has no such picture to annotate.",
    "该检查没有可标注的此照片",
    "Choose among the pictures that `evenhand device show` lists.",
    "请从 `evenhand device show` 所列照片中选择。",
)
MASK_OUTSIDE = Said(
    "photo.mask-outside",
    Kind.INVALID,
    "A mask lies outside the picture and would hide nothing.",
    "遮挡框位于照片之外，不会遮住任何内容",
    "Count pixels of the upright picture from its top left corner; it has `width` x `height`.",
    "请以摆正后照片的左上角为原点按像素计；尺寸为 `width` x `height`。",
)
MASK_PUBLISHED = Said(
    "photo.mask-published",
    Kind.CONFLICT,
    "The result is published with its pictures; their masks can change no more.",
    "结果及照片已公示，遮挡不能再更改",
    "Masks are drawn before a result is published.",
    "遮挡须在公示之前绘制。",
)
