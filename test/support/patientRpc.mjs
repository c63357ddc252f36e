/**
 * Loaded in each worker before vitest. A worker sends its results to the main process and fails the
 * run when they are not acknowledged within 60 seconds, even if it computed all that time and the
 * acknowledgement only waits to be read: a law on a busy machine. vitest has no option for this, so
 * the timer that its modules capture while they load never fires; `eachFile.ts` restores the global.
 */
const { setTimeout } = globalThis
const rpcTimeout = 60_000
/** Milliseconds; the longest that a timer can be. */
const never = 2 ** 31 - 1

globalThis.setTimeout = (callback, delay, ...args) =>
  setTimeout(callback, delay === rpcTimeout ? never : delay, ...args)
globalThis.restoreSetTimeout = () => {
  globalThis.setTimeout = setTimeout
}
