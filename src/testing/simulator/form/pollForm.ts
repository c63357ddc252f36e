import { boolean, type Check, integer, list, object, required, snowflake, text } from "./check.js"

const emoji = object({ id: snowflake, name: text({ max: 32 }) })

/** A poll: the answer texts are shorter than the question. */
export const poll: Check = object({
  question: required(object({ text: required(text({ min: 1, max: 300 })) })),
  answers: required(
    list(
      object({
        poll_media: required(object({ text: required(text({ min: 1, max: 55 })), emoji })),
      }),
      { min: 1, max: 10 },
    ),
  ),
  duration: integer({ min: 1, max: 768 }),
  allow_multiselect: boolean,
  layout_type: integer({ min: 1, max: 1 }),
})
