/** Files that embeds and components of a message show; Discord does not list them as attachments. */
import { urlsIn } from "./urls.js"

/** A file of a message, as an edit names one that stays. */
export interface FileReference {
  readonly id: string
  readonly filename: string
}

interface Showing {
  readonly channelId: string
  readonly embeds: unknown
  readonly components: unknown
}

const attachmentPath = /\/attachments\/(\d+)\/(\d+)\/([^/?#]+)/

/** The file behind a URL such as `https://cdn.discordapp.com/attachments/1/2/a.png`, if it is of the channel. */
export function fileOfChannel(url: string, channelId: string): FileReference | undefined {
  const [, channel, id, filename] = attachmentPath.exec(url) ?? []
  // Of another channel, it is a link and not a file of this message.
  if (channel !== channelId || id === undefined || filename === undefined) return undefined
  return { id, filename }
}

/** In the order in which they are shown, each once. */
export function shownFiles({ channelId, ...shown }: Showing): ReadonlyArray<FileReference> {
  const found = new Map<string, FileReference>()
  for (const { url } of urlsIn([shown.embeds, shown.components])) {
    const file = fileOfChannel(url, channelId)
    if (file !== undefined) found.set(file.id, file)
  }
  return [...found.values()]
}
