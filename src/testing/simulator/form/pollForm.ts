import {
  all,
  boolean,
  type Check,
  integer,
  isAbsent,
  isRecord,
  list,
  object,
  required,
  snowflake,
  text,
} from "./check.js"
import { issue } from "./issue.js"

/** A custom emoji has an id, another a name. */
const emoji = all(object({ id: snowflake, name: text({ max: 32 }) }), (value, path, issues) => {
  if (!isRecord(value) || !isAbsent(value["id"]) || !isAbsent(value["name"])) return
  issues.push(issue([...path, "name"], "BASE_TYPE_REQUIRED", "This field is required"))
})

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
