/**
 * Polls: one question, up to ten answers.
 *
 * @since 0.1.0
 * @module
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

import { Emoji, PollEmojiCreate } from "./Emoji.js"
import { int, items, text } from "./limits.js"
import * as resend from "./resend.js"
import { Timestamp } from "./timestamp.js"
import { list, Numeric, optional, withDefault, required, nullishToAbsent } from "./fields.js"

/** Discord: Poll Media Object. */
const maxQuestion = 300
const maxAnswer = 55
/** Discord: Poll Create Request Object. */
const maxAnswers = 10
/** Hours: 32 days. */
const maxDuration = 768
/** Milliseconds. */
const hourMillis = 3_600_000

/**
 * One answer of a poll being sent.
 *
 * @example
 * ```ts
 * import type { Poll } from "effect-discord"
 *
 * const yes: Poll.PollAnswerCreate = { pollMedia: { text: "Yes", emoji: { name: "👍" } } }
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export const PollAnswerCreate = Schema.Struct({
  pollMedia: required(
    Schema.Struct({
      text: text({ min: 1, max: maxAnswer }),
      emoji: optional(PollEmojiCreate),
    }),
    "poll_media",
  ),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface PollAnswerCreate extends Schema.Schema.Type<typeof PollAnswerCreate> {}

/**
 * A poll being sent; {@link make} writes it shorter. It cannot be edited, and a webhook cannot end it.
 *
 * @example
 * ```ts
 * import type { Poll } from "effect-discord"
 *
 * const poll: Poll.PollCreate = {
 *   question: { text: "Lunch?" },
 *   answers: [{ pollMedia: { text: "Yes" } }, { pollMedia: { text: "No" } }],
 *   duration: 4,
 * }
 * ```
 *
 * @see Discord: Poll Create Request Object
 * @since 0.1.0
 * @category models
 */
export const PollCreate = Schema.Struct({
  question: Schema.Struct({ text: text({ min: 1, max: maxQuestion }) }),
  answers: items(PollAnswerCreate, { min: 1, max: maxAnswers, unit: "answer" }),
  /** Hours, 24 when left out. */
  duration: optional(int(1, maxDuration, "hours")),
  allowMultiselect: optional(Schema.Boolean, "allow_multiselect"),
  /** 1 is the only layout there is. */
  layoutType: optional(Schema.Literal(1), "layout_type"),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface PollCreate extends Schema.Schema.Type<typeof PollCreate> {}

/**
 * What {@link make} takes beside question and answers.
 *
 * @since 0.1.0
 * @category models
 */
export interface MakeOptions {
  /** `"3 days"`, any other `Duration`, or a number of hours; whole hours, 1 to 768 (32 days). */
  readonly duration?: number | Exclude<Duration.DurationInput, number | bigint> | undefined
  /** Whether one may vote for several answers; no, when left out. */
  readonly allowMultiselect?: boolean | undefined
}

/**
 * A poll from its question (1 to 300 code points) and one to ten answers (1 to 55 each), with an
 * emoji where it helps: `{ name: "🍕" }`, or `{ id }` for a custom one.
 *
 * @example
 * ```ts
 * import { Poll } from "effect-discord"
 *
 * const lunch = Poll.make("Lunch?", ["Salad", { text: "Pizza", emoji: { name: "🍕" } }], {
 *   duration: "4 hours",
 *   allowMultiselect: true,
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  question: string,
  answers: ReadonlyArray<string | PollAnswerCreate["pollMedia"]>,
  { duration, ...options }: MakeOptions = {},
): PollCreate => ({
  question: { text: question },
  answers: answers.map((answer) => ({
    pollMedia: typeof answer === "string" ? { text: answer } : answer,
  })),
  ...(duration === undefined ? {} : { duration: hours(duration) }),
  ...options,
})

function hours(duration: NonNullable<MakeOptions["duration"]>): number {
  return typeof duration === "number" ? duration : Duration.toHours(duration)
}

const PollMedia = Schema.Struct({
  text: withDefault(Schema.String, () => ""),
  emoji: nullishToAbsent(Emoji),
})
const untitled = (): typeof PollMedia.Type => ({ text: "" })

/**
 * A poll as Discord sends it. `results` absent means unknown, not zero votes.
 *
 * @example
 * ```ts
 * import type { Poll } from "effect-discord"
 *
 * const votes = (poll: Poll.Poll) => poll.results?.answerCounts.map((answer) => answer.count) ?? []
 * ```
 *
 * @see Discord: Poll Object
 * @since 0.1.0
 * @category models
 */
export const Poll = Schema.Struct({
  question: withDefault(PollMedia, untitled),
  answers: withDefault(
    list(
      Schema.Struct({
        answerId: nullishToAbsent(Numeric, "answer_id"),
        pollMedia: withDefault(PollMedia, untitled, "poll_media"),
      }),
    ),
    () => [],
  ),
  expiry: nullishToAbsent(Timestamp),
  allowMultiselect: withDefault(Schema.Boolean, () => false, "allow_multiselect"),
  layoutType: nullishToAbsent(Schema.Literal(1), "layout_type"),
  results: nullishToAbsent(
    Schema.Struct({
      isFinalized: withDefault(Schema.Boolean, () => false, "is_finalized"),
      answerCounts: withDefault(
        list(
          Schema.Struct({
            id: Numeric,
            count: Numeric,
            meVoted: withDefault(Schema.Boolean, () => false, "me_voted"),
          }),
        ),
        () => [],
        "answer_counts",
      ),
    }),
  ),
})
/**
 * @since 0.1.0
 * @category models
 */
export interface Poll extends Schema.Schema.Type<typeof Poll> {}

/**
 * A received poll as one to send, without votes. Discord does not send a poll's duration: `start`,
 * the timestamp of its message, gives it back. Without `start` it lasts 24 hours.
 *
 * @example
 * ```ts
 * import { Poll } from "effect-discord"
 * import type { Message } from "effect-discord"
 *
 * const again = ({ poll, timestamp }: Message.Message) =>
 *   poll === undefined ? [] : [Poll.fromReceived(poll, { start: timestamp })]
 * ```
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromReceived = (
  poll: Poll,
  options: { readonly start?: DateTime.DateTime | undefined } = {},
): PollCreate => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without what only Discord sets
  const { duration = hoursSince(poll, options.start), ...rest } = resend.poll(poll) as PollCreate
  return duration === undefined ? rest : { ...rest, duration }
}

function hoursSince({ expiry }: Poll, start?: DateTime.DateTime): number | undefined {
  if (start === undefined || expiry === undefined) return undefined
  const lasts = Math.round(DateTime.distance(start, expiry) / hourMillis)
  return Math.min(Math.max(lasts, 1), maxDuration)
}
