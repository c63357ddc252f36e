import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { Message } from "../../src/index.js"
import * as files from "../../src/webhook/files.js"
import type { EditInput, MessageInput } from "../../src/webhook/files.js"

const json: unknown = JSON.parse(
  readFileSync(new URL("../golden/responses/message.json", import.meta.url), "utf8"),
)
const message = Schema.decodeUnknownSync(Message.Message)({
  ...Object(json),
  content: "hello",
  embeds: [{ type: "rich", title: "a" }],
  attachments: [{ id: "7", filename: "a.txt", description: "old" }, { id: "8" }],
  flags: 4,
})

const sent = (changes: MessageInput) => files.splitMessage({ ...message, ...changes }).message
const edited = (changes: EditInput) => files.splitEdit({ ...message, ...changes }).message

/** Each line changes one field of a message as it was received. */
describe("a whole message that was received", () => {
  it("is sent with what a program added, cleared or changed", () => {
    expect(sent({ username: "Mirror" })).toMatchObject({ content: "hello", username: "Mirror" })
    expect(sent({ content: "new" })).toMatchObject({ content: "new", embeds: [{ title: "a" }] })
    expect(sent({ flags: ["SuppressNotifications"] }).flags).toEqual(["SuppressNotifications"])
    expect(sent({ embeds: undefined })).toMatchObject({ content: "hello", embeds: undefined })
    expect(sent({ poll: undefined }).poll).toBeUndefined()
    expect(sent({})).not.toHaveProperty("attachments")
  })

  it("is edited with what a program cleared or changed", () => {
    expect(edited({ content: null })).toMatchObject({ content: null, embeds: [{ title: "a" }] })
    expect(edited({ embeds: null })).toMatchObject({ content: "hello", embeds: null })
    expect(edited({ embeds: [] })).toMatchObject({ embeds: [] })
    expect(edited({ flags: [] }).flags).toEqual([])
    expect(edited({ attachments: message.attachments.slice(0, 1) }).attachments).toEqual([
      { id: "7", description: "old" },
    ])
    expect(edited({ files: [{ id: "8" }] }).attachments).toMatchObject([{ id: "8" }])
    expect(files.splitEdit({ ...message, files: [{ id: "8" }] }).issues).toEqual([])
  })

  it("lists no files where it shows one, since the list would be short of it", () => {
    const url = `https://cdn.discordapp.com/attachments/${message.channelId}/9/a.png`
    const shown = { ...message, embeds: [{ type: "rich", fields: [], image: { url } }] }
    expect(files.splitEdit(shown).message).not.toHaveProperty("attachments")
  })

  it("with a typo is rejected for it", () => {
    const typo = { ...message, contnt: "new" }
    expect(files.splitMessage<MessageInput>(typo).message).toHaveProperty("contnt")
  })

  it("that untyped code has broken is left for the Schema to reject", () => {
    for (const broken of [{ embeds: {} }, { components: 5 }, { timestamp: "now" }]) {
      const input = { ...message, ...broken } as unknown as MessageInput
      expect(files.splitMessage(input).message).toEqual(input)
    }
  })
})
