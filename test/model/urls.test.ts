import { describe, expect, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Embed } from "../../src/index.js"
import { runs } from "../support/laws.js"

const isAllowed = (url: string) => Schema.is(Embed.EmbedCreate)({ url })

// `URL.canParse` would do at first: after some thousand calls it is wrong on Node 20 and 22.
const parse = Option.liftThrowable((text: string) => new URL(text))

/** What an embed may link to, by the platform's parser alone. */
const isExpected = (url: string) => {
  if (!/^https?:\/\//i.test(url) || /[\s\p{Cc}]/u.test(url)) return false
  const hostname = Option.match(parse(url), {
    onNone: () => "",
    onSome: (parsed) => parsed.hostname,
  })
  return (hostname.includes(".") || hostname.startsWith("[")) && url.length <= 2048
}

const parts = FastCheck.constantFrom(
  ..."a b7 Z - . .. com example xn-- xn--a XN--p1ai 0 256 127.0.0.1 1.2 0x7f / // ? # : :80 :99999 @ \\ % %41 %zz | ^ < > [ ] [::1] ö ß".split(
    " ",
  ),
  " ",
  "\n",
  "\u00ad",
  "a".repeat(70),
)

describe("a URL of an embed", () => {
  it("is allowed exactly if the platform can parse it and its host has a dot", () => {
    let allowed = 0
    FastCheck.assert(
      FastCheck.property(
        FastCheck.constantFrom("https://", "http://", "HTTPS://", "https://a.", "ftp://", ""),
        FastCheck.array(parts, { maxLength: 6 }),
        (scheme, rest) => {
          const url = scheme + rest.join("")
          expect([url, isAllowed(url)]).toEqual([url, isExpected(url)])
          if (isAllowed(url)) allowed += 1
        },
      ),
      { numRuns: runs(5000) },
    )
    expect(allowed).toBeGreaterThan(0)
  })

  it("is allowed with a host in other letters, however many URLs came before", () => {
    for (let sent = 0; sent < 10_000; sent++) {
      if (!isAllowed("https://127.0.0.1/")) throw new Error(`not allowed after ${sent}`)
    }
    expect(isAllowed("https://münchen.example/straße")).toBe(true)
  })

  it("may have 2048 characters, with a common host or any other", () => {
    for (const host of ["https://example.com/", "https://127.0.0.1/"]) {
      expect(isAllowed(host.padEnd(2048, "a"))).toBe(true)
      expect(isAllowed(host.padEnd(2049, "a"))).toBe(false)
    }
  })
})
