/** Blocks of code in a text with unified line ends, as Discord finds them. */

const FENCE = "```"

/** A fence, or a character that a backslash makes harmless. */
const OPENING = /\\[\s\S]|```/g
const LANGUAGE_LINE = /^[a-z0-9_+\-.#]+\n/i

/** Characters: no language that Discord knows has so long a name. */
const LANGUAGE_MAX = 64

/** A stretch of a text: a block of code, or what lies between blocks. */
export type Stretch =
  | { readonly _tag: "Text"; readonly text: string }
  | {
      readonly _tag: "Code"
      /** As it stands in the text, fences included. */
      readonly text: string
      readonly language: string
      readonly body: string
    }

interface Block {
  readonly language: string
  readonly body: string
  /** Index after its last fence. */
  readonly end: number
}

/** The stretches of a text: put together they are the text. */
export function stretches(text: string): ReadonlyArray<Stretch> {
  const opening = new RegExp(OPENING)
  const found: Array<Stretch> = []
  let from = 0
  for (let mark = opening.exec(text); mark !== null; mark = opening.exec(text)) {
    const block = mark[0] === FENCE ? blockAt(text, mark.index) : undefined
    if (block === undefined) continue
    const { body, end, language } = block
    if (mark.index > from) found.push({ _tag: "Text", text: text.slice(from, mark.index) })
    found.push({ _tag: "Code", text: text.slice(mark.index, end), language, body })
    from = end
    opening.lastIndex = end
  }
  if (from < text.length) found.push({ _tag: "Text", text: text.slice(from) })
  return found
}

export function fenced(body: string, language: string): string {
  return `${FENCE}${language}\n${body}\n${FENCE}`
}

/** What could be the language is code after all where no other code follows it. */
function blockAt(text: string, index: number): Block | undefined {
  const start = index + FENCE.length
  const [line = ""] = LANGUAGE_LINE.exec(text.slice(start, start + LANGUAGE_MAX)) ?? []
  const named = line === "" ? undefined : closed(text, start + line.length, line.trim())
  return named ?? closed(text, start, "")
}

/** The block whose code begins here, if it is closed and not empty. */
function closed(text: string, start: number, language: string): Block | undefined {
  let first = start
  while (text[first] === "\n") first++
  const close = text.indexOf(FENCE, first + 1)
  if (close === -1) return undefined
  let last = close
  while (text[last - 1] === "\n") last--
  return { language, body: text.slice(first, last), end: close + FENCE.length }
}
