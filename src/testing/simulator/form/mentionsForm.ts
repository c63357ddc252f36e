import { all, boolean, type Check, isRecord, list, object, snowflake } from "./check.js"
import { issue } from "./issue.js"

const ids = list(snowflake, { max: 100 })

/** A kind of mention in `parse` excludes ids of that kind. */
const exclusiveMentions: Check = (value, path, issues) => {
  if (!isRecord(value) || !Array.isArray(value["parse"])) return
  for (const kind of ["users", "roles"]) {
    const listed = value[kind]
    if (value["parse"].includes(kind) && Array.isArray(listed) && listed.length > 0) {
      const message = `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`
      issues.push(issue(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message))
    }
  }
}

const mentionKind: Check = (value, path, issues) => {
  if (value !== "users" && value !== "roles" && value !== "everyone") {
    const message = "Value must be one of ('users', 'roles', 'everyone')."
    issues.push(issue(path, "BASE_TYPE_CHOICES", message))
  }
}

/** `allowed_mentions`. */
export const allowedMentions: Check = all(
  object({
    parse: list(mentionKind, { max: 3 }),
    users: ids,
    roles: ids,
    replied_user: boolean,
  }),
  exclusiveMentions,
)
