/**
 * Every benchmark can start: of each `bench:` command in package.json, what comes before the measurement
 * is run, which installs the other libraries and compiles.
 */
import { execSync } from "node:child_process"
import { delimiter, resolve } from "node:path"
import { manifest, root } from "./project.js"

const preparations = Object.entries(manifest.scripts)
  .filter(([name]) => name.startsWith("bench:"))
  .flatMap(([, command]) => command.split(" && ").slice(0, -1))

const path = [resolve(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter)

for (const command of new Set(preparations)) {
  console.log(`$ ${command}`)
  execSync(command, { cwd: root, stdio: "inherit", env: { ...process.env, PATH: path } })
}
