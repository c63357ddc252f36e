/** Whose host a base URL names. */

/** Discord's own domains and their subdomains. */
export function isDiscordHost(hostname: string): boolean {
  return /(?:^|\.)discord(?:app)?\.com$/.test(hostname)
}

/** This machine, so that nothing goes over a network. `hostname` is as `URL` writes it. */
export function isLoopbackHost(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
