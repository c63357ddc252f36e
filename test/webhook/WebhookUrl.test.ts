import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { Snowflake, WebhookUrl } from "../../src/index.js"
import { runs } from "../support/laws.js"

const id = "1234567890123456789"
const secret = "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-abcd"
const plain = `https://discord.com/api/webhooks/${id}/${secret}`

const read = (input: string | URL | Redacted.Redacted) =>
  Either.match(WebhookUrl.parse(input), {
    onLeft: ({ reason }) => reason,
    onRight: (url) => [url.id, Redacted.value(url.token), url.threadId],
  })

describe("parse", () => {
  it.each([
    ["as Discord's client copies it", plain],
    ["with a version", `https://discord.com/api/v10/webhooks/${id}/${secret}`],
    ["with a future version", `https://discord.com/api/v123/webhooks/${id}/${secret}`],
    ["of the old host", `https://discordapp.com/api/webhooks/${id}/${secret}`],
    ["of ptb", `https://ptb.discord.com/api/webhooks/${id}/${secret}`],
    ["of canary", `https://canary.discord.com/api/v9/webhooks/${id}/${secret}`],
    ["of the old canary", `https://canary.discordapp.com/api/webhooks/${id}/${secret}`],
    ["over http", `http://discord.com/api/webhooks/${id}/${secret}`],
    ["with a slash at its end", `${plain}/`],
    ["for Slack", `${plain}/slack`],
    ["for GitHub", `${plain}/github`],
    ["with wait", `${plain}?wait=true`],
    ["with a fragment", `${plain}#top`],
    ["with spaces around it", `  ${plain}\n`],
    ["in angle brackets", `<${plain}>`],
    ["in both", ` <${plain}> `],
    ["in quotes", `"${plain}"`],
    ["in single quotes", `'${plain}'`],
    ["in backticks", `\`${plain}\``],
    ["in the quotes of a word processor", `\u201c${plain}\u201d`],
    ["in quotes with blanks inside", `" ${plain} "`],
    ["in angle brackets in quotes", `"<${plain}>"`],
    ["as a line of a .env file", `DISCORD_WEBHOOK_URL=${plain}`],
    ["as a line of a .env file, in quotes", `DISCORD_WEBHOOK_URL="${plain}"\n`],
    ["as a line of a shell", `export HOOK='${plain}'`],
    ["with the host in capitals", `https://DISCORD.com/api/webhooks/${id}/${secret}`],
    ["with the usual port", `https://discord.com:443/api/webhooks/${id}/${secret}`],
  ])("reads a URL %s", (_, url) => {
    expect(read(url)).toEqual([id, secret, undefined])
  })

  it("reads thread_id, in any company", () => {
    expect(read(`${plain}?thread_id=42`)).toEqual([id, secret, "42"])
    expect(read(`${plain}/slack?wait=true&thread_id=42&with_components=1`)).toEqual([
      id,
      secret,
      "42",
    ])
  })

  it("reads a URL object, and a redacted text", () => {
    expect(read(new URL(plain))).toEqual([id, secret, undefined])
    expect(read(Redacted.make(plain))).toEqual([id, secret, undefined])
  })

  it("reads tokens of interactions, which are longer and have dots", () => {
    const long = "a.B-c_9".repeat(40)
    expect(read(`https://discord.com/api/webhooks/${id}/${long}`)).toEqual([id, long, undefined])
  })

  it.each([
    ["missing", ""],
    ["missing", " \n"],
    ["missing", `""`],
    ["missing", "HOOK="],
    ["notAUrl", `"${plain}`],
    ["notAUrl", `"${plain}'`],
    ["notAUrl", `A=B=${plain}`],
    ["host", `HOOK="https://evil.example/api/webhooks/${id}/${secret}"`],
    ["notAUrl", "hello"],
    ["notAUrl", "discord.com/api/webhooks/1/abc"],
    ["notAUrl", "https://"],
    ["scheme", `ftp://discord.com/api/webhooks/${id}/${secret}`],
    ["scheme", `javascript:alert("${plain}")`],
    ["scheme", `discord.com:443/api/webhooks/${id}/${secret}`],
    ["host", `https://discord.com.evil.example/api/webhooks/${id}/${secret}`],
    ["host", `https://evildiscord.com/api/webhooks/${id}/${secret}`],
    ["host", `https://evil.discord.com/api/webhooks/${id}/${secret}`],
    ["host", `https://discord.co/api/webhooks/${id}/${secret}`],
    ["host", `https://dlscord.com/api/webhooks/${id}/${secret}`],
    ["host", `https://discоrd.com/api/webhooks/${id}/${secret}`],
    ["host", `https://discord.com./api/webhooks/${id}/${secret}`],
    ["host", `https://discord.com@evil.example/api/webhooks/${id}/${secret}`],
    ["host", `https://user:pass@discord.com/api/webhooks/${id}/${secret}`],
    ["host", `https://user@discord.com/api/webhooks/${id}/${secret}`],
    ["host", `https://discord.com:8443/api/webhooks/${id}/${secret}`],
    ["host", `http://localhost:3000/api/webhooks/${id}/${secret}`],
    ["host", `https://hooks.slack.com/services/T0/B0/X`],
    ["path", `https://discord.com/`],
    ["path", `https://discord.com/channels/1/2`],
    ["path", `https://discord.com/webhooks/${id}/${secret}`],
    ["path", `https://discord.com/api/v/webhooks/${id}/${secret}`],
    ["path", `https://discord.com/api/vX/webhooks/${id}/${secret}`],
    ["path", `https://discord.com/api/webhooks`],
    ["path", `https://discord.com/api/webhooks/${id}/${secret}/messages/1`],
    ["path", `https://discord.com/api/webhooks/${id}/${secret}/teams`],
    ["path", `https://discord.com/api/webhooks/${id}/${secret}//`],
    ["path", `https://discord.com//api/webhooks/${id}/${secret}`],
    ["id", `https://discord.com/api/webhooks/me/${secret}`],
    ["id", `https://discord.com/api/webhooks/-1/${secret}`],
    ["id", `https://discord.com/api/webhooks/007/${secret}`],
    ["id", `https://discord.com/api/webhooks/18446744073709551616/${secret}`],
    ["token", `https://discord.com/api/webhooks/${id}`],
    ["token", `https://discord.com/api/webhooks/${id}/`],
    ["token", `https://discord.com/api/webhooks/${id}/slack`],
    ["token", `https://discord.com/api/webhooks/${id}/github`],
    ["token", `https://discord.com/api/webhooks/${id}/abc%20def`],
    ["token", `https://discord.com/api/webhooks/${id}/abc%2Fdef`],
    ["token", `https://discord.com/api/webhooks/${id}/tökén`],
    ["threadId", `${plain}?thread_id=`],
    ["threadId", `${plain}?thread_id=general`],
    ["threadId", `${plain}?thread_id=12%2F..`],
  ])("refuses, for its %s: %s", (reason, url) => {
    expect(read(url)).toBe(reason)
  })

  it("reports what is wrong, without the input", () => {
    const error = Either.getOrThrow(
      Either.flip(WebhookUrl.parse(`https://evil.example/api/webhooks/${id}/${secret}`)),
    )
    expect(error.message).toBe(
      "Not a Discord webhook URL (the host is not Discord's). Keep Discord's own URL here. To send through a proxy or to a test server, set RestConfig.baseUrl (with layerEnv: DISCORD_CLIENT_BASE_URL).",
    )
    expect(JSON.stringify(error) + String(error.stack)).not.toContain(secret)
  })
})

describe("the laws of parse", () => {
  const ids = FastCheck.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)
  const tokens = FastCheck.stringMatching(/^[A-Za-z0-9_-]{60,70}$/)
  const forms = FastCheck.record({
    scheme: FastCheck.constantFrom("https", "http"),
    host: FastCheck.constantFrom("", "ptb.", "canary."),
    domain: FastCheck.constantFrom("discord.com", "discordapp.com"),
    version: FastCheck.constantFrom("", "/v6", "/v9", "/v10"),
    tail: FastCheck.constantFrom("", "/", "/slack", "/github"),
    threadId: FastCheck.option(ids, { nil: undefined }),
  })

  it("what is written in any form is read back", () => {
    FastCheck.assert(
      FastCheck.property(ids, tokens, forms, (webhookId, token, form) => {
        const query = form.threadId === undefined ? "" : `?thread_id=${form.threadId}`
        const url = `${form.scheme}://${form.host}${form.domain}/api${form.version}/webhooks/${webhookId}/${token}${form.tail}${query}`
        expect(read(url)).toEqual([webhookId, token, form.threadId])
      }),
    )
  })

  it("no other host is ever accepted", () => {
    const known = new Set(
      ["discord.com", "discordapp.com"].flatMap((host) => [host, `ptb.${host}`, `canary.${host}`]),
    )
    const near = FastCheck.tuple(
      FastCheck.constantFrom("", "evil", "evil.", "x-", "canary.ptb."),
      FastCheck.constantFrom("discord.com", "discordapp.com", "discord", "ptb.discord.com"),
      FastCheck.constantFrom("", ".evil.com", "evil", ".", ".com", ":8080", "@evil.com"),
    ).map((parts) => parts.join(""))
    FastCheck.assert(
      FastCheck.property(FastCheck.oneof(near, FastCheck.domain()), (host) => {
        FastCheck.pre(!known.has(host))
        expect(["host", "notAUrl"]).toContain(read(`https://${host}/api/webhooks/1/${secret}`))
      }),
      { numRuns: runs(500) },
    )
  })

  it("never throws, and returns only a snowflake and a token", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.oneof(
          FastCheck.string(),
          FastCheck.webUrl(),
          FastCheck.string().map((text) => plain + text),
        ),
        (text) => {
          const parsed = Either.getOrUndefined(WebhookUrl.parse(text))
          return (
            parsed === undefined ||
            (Snowflake.isSnowflake(parsed.id) &&
              /^[A-Za-z0-9_.-]+$/.test(Redacted.value(parsed.token)))
          )
        },
      ),
      { numRuns: runs(1000) },
    )
  })
})
