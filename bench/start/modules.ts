/** Preloaded, it writes how many modules were loaded into the file that `MODULES` names. */
import { appendFileSync, writeFileSync } from "node:fs"
import { createRequire, register } from "node:module"

const counted = process.env["MODULES"] ?? ""
const hooks = `
  import { appendFileSync } from "node:fs"
  export async function load(url, context, next) {
    if (url.startsWith("file:")) appendFileSync(${JSON.stringify(counted)}, url + "\\n")
    return next(url, context)
  }`

writeFileSync(counted, "")
register(`data:text/javascript,${encodeURIComponent(hooks)}`)

/** What is required from CommonJS passes the hooks by. */
const { cache } = createRequire(import.meta.url)
process.on("exit", () => {
  for (const path of Object.keys(cache)) appendFileSync(counted, `file://${path}\n`)
})
