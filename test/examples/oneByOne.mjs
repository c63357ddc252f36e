/**
 * Runs modules in one process. A module begins when nothing of the one before is left to do; a zero
 * byte separates their output.
 */
const paths = process.argv.splice(2)

process.on("beforeExit", () => {
  const path = paths.shift()
  if (path === undefined) return
  process.stdout.write("\0")
  void import(path)
})
