/**
 * The name Discord gives to a file, as reported of its `secure_filename`: white space and characters
 * beyond ASCII become `_`, other specials go, and no name begins with `_` or `.`.
 */
export const cleanFilename = (name: string): string => {
  const [stem, extension] = split(name)
  const cleanStem = clean(stem).replace(/^[._]+/, "")
  const cleanExtension = clean(extension)
  return (cleanStem === "" ? "unknown" : cleanStem) + cleanExtension
}

/** What the name loses beyond ASCII is kept as the file's title, without the extension. */
export const titleFor = (name: string): string | undefined =>
  // oxlint-disable-next-line no-control-regex -- ASCII begins with control characters
  /[^\x00-\x7f]/.test(name) ? split(name)[0] : undefined

/** The extension has its dot; a name that begins with a dot has none. */
function split(name: string): readonly [stem: string, extension: string] {
  const dot = name.lastIndexOf(".")
  return dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""]
}

function clean(text: string): string {
  return (
    text
      .replace(/[/\\]/g, " ")
      .trim()
      .replace(/\s+/g, "_")
      // oxlint-disable-next-line no-control-regex -- ASCII begins with control characters
      .replace(/[^\x00-\x7f]/gu, "_")
      .replace(/[^\w.-]/g, "")
  )
}
