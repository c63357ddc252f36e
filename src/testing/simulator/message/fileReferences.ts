import type { Attachment } from "../world.js"

const scheme = "attachment://"

/**
 * The file a URL such as `attachment://chart.png` names. Discord cleans the names of files and not
 * those in URLs, so a blank or another case finds nothing (discord-api-docs#2102).
 */
export const referencedName = (url: unknown): string | undefined =>
  typeof url === "string" && url.toLowerCase().startsWith(scheme)
    ? url.slice(scheme.length)
    : undefined

/** Finds the files that embeds or components show, and remembers which those were. */
export interface FileReferences {
  readonly find: (url: unknown) => Attachment | undefined
  readonly used: ReadonlySet<string>
}

export const fileReferences = (attachments: ReadonlyArray<Attachment>): FileReferences => {
  const used = new Set<string>()
  const find = (url: unknown) => {
    const name = referencedName(url)
    const found = attachments.find(({ filename }) => filename === name)
    if (found !== undefined) used.add(found.id)
    return found
  }
  return { find, used }
}
