// Sends one file with tus-js-client: node upload.js MODULES URL TOKEN FILE SHA256 CHUNK [together]
const [modules, endpoint, token, path, sha256, chunk, together] = process.argv.slice(2)
const tus = require(require.resolve("tus-js-client", { paths: [modules] }))
const body = require("fs").readFileSync(path)
const upload = new tus.Upload(body, {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { sha256, mime: "application/octet-stream" },
  chunkSize: Number(chunk) || Infinity,
  uploadDataDuringCreation: together === "together",
  retryDelays: Array(400).fill(1),
  onError: (error) => {
    console.error(String(error))
    process.exit(1)
  },
  onSuccess: () => console.log("whole"),
})
upload.start()
