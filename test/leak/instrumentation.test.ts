/** Automatic instrumentation below the SDK: the hooks of the observability guide keep the token out. */
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { promisify } from "node:util"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { WebhookUrl } from "../../src/index.js"
import { getProgram } from "../support/ChildProgram.js"
import { runs } from "../support/laws.js"

const root = resolve(import.meta.dirname, "../..")
const program = "test/leak/instrumented.ts"
const token = "s3cr3t-T0ken_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRS"

const attributesWith = async (mode: "hooks" | "none") => {
  const loader = "--experimental-loader=@opentelemetry/instrumentation/hook.mjs"
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--no-warnings", loader, await getProgram(program), mode, token],
    { cwd: root },
  )
  return JSON.parse(stdout) as ReadonlyArray<{
    readonly name: string
    readonly attributes: ReadonlyArray<Readonly<Record<string, unknown>>>
  }>
}

const clients = ["NodeDiscord", "undici", "fetch", "node:http"]

describe("WebhookUrl.redact", () => {
  const path = FastCheck.tuple(
    FastCheck.constantFrom("", "https://discord.com/api/v10", "http://localhost:8080", "/api"),
    FastCheck.stringMatching(/^[0-9]{1,20}$/),
    FastCheck.stringMatching(/^[A-Za-z0-9._-]{20,80}$/),
    FastCheck.constantFrom("", "?wait=true", "/messages/1", "/messages/@original", "#a", '"', " "),
  )

  it("replaces the token of every URL in a text, and nothing else", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(path), (parts) => {
        const text = (show: (secret: string) => string) =>
          parts
            .map(([base, id, secret, rest]) => `${base}/webhooks/${id}/${show(secret)}${rest}`)
            .join(" | ")
        expect(WebhookUrl.redact(text((secret) => secret))).toBe(text(() => "<redacted>"))
      }),
      { numRuns: runs(300) },
    )
  })

  it("leaves a text without a webhook URL as it is", () => {
    const text = "GET /channels/1/webhooks, /webhooks/1 and https://example.com/hooks/1/2"
    expect(WebhookUrl.redact(text)).toBe(text)
  })
})

describe("OpenTelemetry's instrumentations of undici, fetch and node:http", () => {
  it("write the token into spans without the hooks", async () => {
    const seen = await attributesWith("none")
    expect(seen.map(({ name }) => name)).toEqual(clients)
    for (const { attributes } of seen) expect(JSON.stringify(attributes)).toContain(token)
  })

  it("write no token with the hooks of the guide", async () => {
    const seen = await attributesWith("hooks")
    expect(seen.map(({ name }) => name)).toEqual(clients)
    for (const { attributes } of seen) {
      expect(attributes).toHaveLength(1)
      expect(attributes[0]?.["url.full"]).toMatch(/\/webhooks\/42\/<redacted>$/)
      expect(JSON.stringify(attributes)).not.toContain(token)
    }
  })

  it("are set up here as the guide shows", () => {
    const guide = readFileSync(resolve(root, "docs/guides/observability.md"), "utf8")
    const lines = (text: string) => text.split("\n").map((line) => line.trim())
    const block = /new UndiciInstrumentation\(\{[\s\S]*?\n {4}\}\),/.exec(guide)?.[0] ?? ""
    const hook = /startOutgoingSpanHook[\s\S]*?\n {6}\},/.exec(guide)?.[0] ?? ""
    const used = new Set(lines(readFileSync(resolve(root, program), "utf8")))
    expect(lines(block).length + lines(hook).length).toBeGreaterThan(8)
    expect([...lines(block), ...lines(hook)].filter((line) => !used.has(line))).toEqual([])
  })
})
