/** The code of uploads and the table of media types are imported with FileUpload, not with Webhook. */
import { readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { expect, it } from "vitest"

const root = resolve(import.meta.dirname, "../../../src")

/** Everything that a module imports at run time, and what that imports. */
function reached(entry: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(entry)) return seen
  seen.add(entry)
  if (!entry.startsWith("/")) return seen
  const source = readFileSync(entry, "utf8").replaceAll(/^ \*.*$/gm, "")
  for (const [, from = ""] of source.matchAll(
    /^(?:import|export)(?! type)[^"]*? from "([^"]+)"/gm,
  )) {
    const isOurs = from.startsWith(".")
    reached(isOurs ? resolve(dirname(entry), from.replace(/\.js$/, ".ts")) : from, seen)
  }
  return seen
}

it("a program that sends no files does not reach them", () => {
  const modules = reached(resolve(root, "webhook/Webhook.ts"))
  expect(modules.size).toBeGreaterThan(50)
  expect(modules).toContain(resolve(root, "rest/upload/file.ts"))
  expect(modules).not.toContain(resolve(root, "rest/upload/upload.ts"))
  expect(modules).not.toContain("mime")
})

it("a program that creates files does", () => {
  const modules = reached(resolve(root, "rest/FileUpload.ts"))
  expect(modules).toContain(resolve(root, "rest/upload/upload.ts"))
  expect(modules).toContain("mime")
})
