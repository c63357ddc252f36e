/** A stack without the frames that nobody who reads it has written. */

/** `at work (/app/node_modules/x/y.js:1:2)`, `at node:internal/timers:3:4`, `at Array.map (<anonymous>)`. */
const foreign =
  /^\s*at .*(?:[\\/]node_modules[\\/]|\bnode:|\bext:|\(native(?::|\))|<anonymous>\)?$)/

interface Folding {
  readonly lines: ReadonlyArray<string>
  /** Foreign frames at the end of the lines, which are one line. */
  readonly frames: number
}

const noLines: Folding = { lines: [], frames: 0 }

/** Frames of dependencies and of the runtime, one after another, become one line. */
export function foldFrames(text: string): string {
  return text.split("\n").reduce(fold, noLines).lines.join("\n")
}

function fold({ frames, lines }: Folding, line: string): Folding {
  if (!foreign.test(line)) return { lines: [...lines, line], frames: 0 }
  const [indent = ""] = /^\s*/.exec(line) ?? []
  const count = frames + 1
  const summary = `${indent}… ${count} ${count === 1 ? "frame" : "frames"} of dependencies`
  return { lines: [...(frames === 0 ? lines : lines.slice(0, -1)), summary], frames: count }
}
