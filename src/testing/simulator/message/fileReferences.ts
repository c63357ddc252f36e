import { cleanFilename } from "../file/filename.js"
import type { Attachment } from "../world.js"

const scheme = "attachment://"

/** The file a URL such as `attachment://chart.png` names; Discord cleans that name as well. */
export const referencedName = (url: unknown): string | undefined =>
  typeof url === "string" && url.trim().toLowerCase().startsWith(scheme)
    ? cleanFilename(url.trim().slice(scheme.length))
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
