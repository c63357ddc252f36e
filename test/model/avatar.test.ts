import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

import { avatar, encode } from "../../src/model/WebhookModify.js"
import { modifyWebhook } from "../testing/request.js"
import { simulatorTest } from "../testing/simulatorTest.js"
import { faults } from "./faults.js"

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0))
const pictures = {
  png: bytes("\x89PNG\r\n\x1a\nrest"),
  jpeg: bytes("\xff\xd8\xff\xe0rest"),
  gif: bytes("GIF89arest"),
  webp: bytes("RIFF\x10\x00\x00\x00WEBPrest"),
}

describe("avatar", () => {
  it("finds the format from the first bytes", () => {
    for (const [type, picture] of Object.entries(pictures)) {
      const encoded = Buffer.from(picture).toString("base64")
      expect(avatar(picture)).toEqual(Option.some(`data:image/${type};base64,${encoded}`))
    }
    for (const other of ["", "GIF", "<svg/>", "RIFF\x10\x00\x00\x00WAVE"]) {
      expect(Option.isNone(avatar(bytes(other)))).toBe(true)
    }
  })
})

const uris = [
  ...["png", "jpeg", "jpg", "gif", "webp", "PNG"].map((type) => `data:image/${type};base64,aGk=`),
  ...Object.values(pictures).map((picture) => Option.getOrThrow(avatar(picture))),
]

simulatorTest("an avatar is taken in every format that Discord takes", {}, (simulator) =>
  Effect.gen(function* () {
    yield* simulator.configure({ limits: { modifyWebhook: "none" } })
    const hook = yield* simulator.createWebhook()
    for (const uri of uris) {
      expect(yield* faults(encode({ avatar: uri }))).toEqual([])
      expect((yield* modifyWebhook(hook, { avatar: uri })).status).toBe(200)
    }
    for (const uri of ["data:text/plain;base64,aGk=", "https://a.example/b.png"]) {
      expect(yield* faults(encode({ avatar: uri }))).toMatchObject([{ path: "avatar" }])
      expect((yield* modifyWebhook(hook, { avatar: uri })).status).toBe(400)
    }
  }),
)
