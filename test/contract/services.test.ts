import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import { GithubWebhookSchema, SlackWebhookSchema } from "discord-api-spec/zod"

import { GitHubEvent, SlackMessage } from "../../src/index.js"
import { fromZod } from "./fromZod.js"
import { runs } from "../support/laws.js"

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const often = { numRuns: runs(1000) }

/**
 * Slack says `title` and `short` of a field, and that is what Discord reads; its OpenAPI calls them
 * by the names that they have in an embed (https://github.com/jb3/webhook-discord/issues/53).
 */
function asTheSpecWants(message: SlackMessage.Encoded): unknown {
  const attachments = message.attachments?.map(({ fields, ...rest }) => ({
    ...rest,
    ...(fields && {
      fields: fields.map(({ title: name, value, short: inline }) => ({ name, value, inline })),
    }),
  }))
  return json({ ...message, attachments })
}

describe("what we send to /slack and /github conforms to Discord's OpenAPI", () => {
  // Zod drops unknown keys silently: equality with what went in proves that we send none.
  it("SlackMessage", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(SlackMessage.SlackMessage), (message) => {
        const body = asTheSpecWants(Effect.runSync(SlackMessage.encode(message)))
        expect(SlackWebhookSchema.parse(body)).toStrictEqual(body)
      }),
      often,
    )
  })

  it("GitHubEvent", () => {
    FastCheck.assert(
      FastCheck.property(Arbitrary.make(GitHubEvent.GitHubEvent), (event) => {
        const body = json(Effect.runSync(GitHubEvent.encode(event)))
        expect(GithubWebhookSchema.parse(body)).toStrictEqual(body)
      }),
      often,
    )
  })

  it("which rejects or drops what is wrong, so that the tests above can fail", () => {
    const slack = (body: unknown) => SlackWebhookSchema.safeParse(body).success
    expect(slack({ text: "x".repeat(2001) })).toBe(false)
    expect(slack({ attachments: [{ color: "good" }] })).toBe(false)
    expect(SlackWebhookSchema.parse({ iconUrl: "a" })).toEqual({})
    expect(GithubWebhookSchema.safeParse({ action: "opened" }).success).toBe(false)
  })
})

it("every event that Discord's OpenAPI takes, GitHubEvent takes, and changes nothing in it", () => {
  FastCheck.assert(
    FastCheck.property(fromZod(GithubWebhookSchema), (body) => {
      const event = Effect.runSync(GitHubEvent.decode(body))
      expect(Effect.runSync(GitHubEvent.encode(event))).toStrictEqual(body)
    }),
    often,
  )
})
