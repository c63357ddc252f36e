/**
 * Every benchmark can start: of each `bench:` command in package.json, what comes before the measurement
 * is run, which installs the other libraries and compiles.
 */
import { execSync } from "node:child_process"
import { environment, manifest, root } from "./project.js"

const preparations = Object.entries(manifest.scripts)
  .filter(([name]) => name.startsWith("bench:"))
  .flatMap(([, command]) => command.split(" && ").slice(0, -1))

for (const command of new Set(preparations)) {
  console.log(`$ ${command}`)
  execSync(command, { cwd: root, stdio: "inherit", env: environment })
}
