/**
 * The Effect language service as a gate. It exits 0 after reading no file at all (a tsconfig without
 * the plugin, a project it cannot open), so the number of files it read is compared with the number
 * TypeScript sees.
 */
import { execFile } from "node:child_process"
import { resolve } from "node:path"
import { promisify } from "node:util"
import ts from "typescript"

const root = resolve(import.meta.dirname, "..")
const project = resolve(root, "tsconfig.json")
const cli = resolve(root, "node_modules/@effect/language-service/cli.js")

function projectFiles(): number {
  const { config } = ts.readConfigFile(project, (path) => ts.sys.readFile(path))
  return ts.parseJsonConfigFileContent(config, ts.sys, root).fileNames.length
}

async function diagnose(): Promise<{ readonly passed: boolean; readonly output: string }> {
  const args = [cli, "diagnostics", "--project", project, "--format", "text", "--strict"]
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: root,
      maxBuffer: 1 << 26,
    })
    return { passed: true, output: stdout }
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    return { passed: false, output: stdout + stderr }
  }
}

const expected = projectFiles()
const { passed, output } = await diagnose()
const read = Number(/Checked (\d+) files/.exec(output)?.[1] ?? 0)

console.log(output.trimEnd())
if (read !== expected || read === 0) {
  console.log(
    `The language service read ${read} files, TypeScript sees ${expected}: nothing was proven.`,
  )
}
process.exitCode = passed && read === expected && read > 0 ? 0 : 1
