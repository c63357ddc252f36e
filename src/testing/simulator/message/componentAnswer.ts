import { isRecord } from "../form/check.js"
import { proxied } from "./embedAnswer.js"
import type { FileReferences } from "./fileReferences.js"

type Fields = Readonly<Record<string, unknown>>

/** Whence media get their ids and files. */
export interface MediaSource {
  readonly nextId: () => string
  readonly files: FileReferences
}

/**
 * Components as Discord answers them: each has an `id`, and what may be left out is filled in.
 */
export const componentAnswers = (
  components: unknown,
  media: MediaSource,
): ReadonlyArray<unknown> => {
  if (!Array.isArray(components)) return []
  const taken = new Set<number>()
  collectIds(components, taken)
  let last = 0
  const ownId = (component: Fields): number => {
    if (typeof component["id"] === "number" && component["id"] !== 0) return component["id"]
    do last++
    while (taken.has(last))
    return last
  }
  const answer = (component: unknown): unknown => {
    if (!isRecord(component)) return component
    const children = component["components"]
    const accessory = component["accessory"]
    return {
      ...definedOnly(component),
      ...filledIn(component, media),
      id: ownId(component),
      ...(Array.isArray(children) ? { components: children.map(answer) } : {}),
      ...(accessory === undefined ? {} : { accessory: answer(accessory) }),
    }
  }
  return components.map(answer)
}

function collectIds(value: unknown, taken: Set<number>): void {
  if (Array.isArray(value)) for (const item of value) collectIds(item, taken)
  if (!isRecord(value)) return
  if (typeof value["id"] === "number" && value["id"] !== 0) taken.add(value["id"])
  collectIds(value["components"], taken)
  collectIds(value["accessory"], taken)
}

/** What each kind gets that the sender may leave out. */
function filledIn(component: Fields, media: MediaSource): object {
  const spoiler = component["spoiler"] ?? false
  switch (component["type"]) {
    case 3:
    case 5:
    case 6:
    case 7:
    case 8:
      return { min_values: component["min_values"] ?? 1, max_values: component["max_values"] ?? 1 }
    case 11:
      return { ...described(component), spoiler, media: mediaAnswer(component["media"], media) }
    case 12:
      return { items: galleryAnswer(component["items"], media) }
    case 13:
      return { spoiler, ...fileAnswer(component["file"], media) }
    case 14:
      return { divider: component["divider"] ?? true, spacing: component["spacing"] ?? 1 }
    case 17:
      return { spoiler, accent_color: component["accent_color"] ?? null }
    default:
      return {}
  }
}

function galleryAnswer(items: unknown, media: MediaSource): ReadonlyArray<unknown> {
  if (!Array.isArray(items)) return []
  return items.filter(isRecord).map((item) => ({
    ...described(item),
    spoiler: item["spoiler"] ?? false,
    media: mediaAnswer(item["media"], media),
  }))
}

function fileAnswer(value: unknown, media: MediaSource): object {
  const file = media.files.find(urlOf(value))
  return {
    file: mediaAnswer(value, media),
    name: file?.filename ?? null,
    size: file?.["size"] ?? null,
  }
}

function urlOf(media: unknown): string {
  return isRecord(media) && typeof media["url"] === "string" ? media["url"] : ""
}

/** A file of the message is known well, a URL not at all. */
function mediaAnswer(value: unknown, { files, nextId }: MediaSource): unknown {
  const address = urlOf(value)
  const file = files.find(address)
  if (file !== undefined) {
    const { id, url, proxy_url, width = null, height = null, content_type = null } = file
    return { id: nextId(), attachment_id: id, url, proxy_url, width, height, content_type }
  }
  return {
    id: nextId(),
    url: address,
    proxy_url: proxied(address),
    width: null,
    height: null,
    content_type: null,
  }
}

function described(component: Fields): object {
  return { description: component["description"] ?? null }
}

function definedOnly(component: Fields): object {
  return Object.fromEntries(Object.entries(component).filter(([, value]) => value !== null))
}
