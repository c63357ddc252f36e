/** What a process has cost when its first message is delivered; the last line of its output. */
export interface Delivered {
  /** Milliseconds since the process began. */
  readonly wallMs: number
  /** Milliseconds of the processor, in user and system mode. */
  readonly cpuMs: number
  /** Kilobytes: the peak of resident memory. */
  readonly peakKb: number
}

export function delivered(): void {
  const { maxRSS, systemCPUTime, userCPUTime } = process.resourceUsage()
  const figures: Delivered = {
    wallMs: performance.now(),
    cpuMs: (systemCPUTime + userCPUTime) / 1000,
    peakKb: maxRSS,
  }
  console.log(JSON.stringify(figures))
}
