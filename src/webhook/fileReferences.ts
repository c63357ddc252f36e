/**
 * `attachment://name` in embeds and components. Discord leaves out the picture of a name that no
 * file of the message has, without an error (discord-api-docs#2102, bwmarrin/discordgo#810).
 */
import * as Issue from "../model/Issue.js"
import { findUrls } from "../model/fileReferences.js"

const scheme = /^attachment:\/\//i

/** The parts of a message that may refer to its files. */
interface Referring {
  readonly embeds?: unknown
  readonly components?: unknown
}

/**
 * The references of a valid message to files that it does not have. `names` are those of all its
 * files; `undefined` if not all are known.
 */
export function missingFileIssues(
  { components, embeds }: Referring,
  names: ReadonlyArray<string> | undefined,
): ReadonlyArray<Issue.Issue> {
  if (names === undefined || (embeds === undefined && components === undefined)) return []
  const known = new Set(names.flatMap((name) => [name, discordName(name)]))
  return [...findUrls(embeds, ["embeds"]), ...findUrls(components, ["components"])]
    .filter(({ url }) => scheme.test(url) && !known.has(url.replace(scheme, "")))
    .map(({ path, url }) => ({ path: Issue.formatPath(path), message: missing(url, names) }))
}

/** Beyond ASCII, a name may be kept or replaced (discord-api-docs#6945, #7890). */
function discordName(name: string): string {
  return name.replaceAll(/\P{ASCII}/gu, "_").replace(/^[._]+/, "")
}

function missing(reference: string, names: ReadonlyArray<string>): string {
  const files = names.length === 0 ? "it has none" : `they are ${names.join(", ")}`
  return `${reference} names no file of the message (${files}): use FileUpload.attachmentUrl(file)`
}
