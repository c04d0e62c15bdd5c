/** 1536 → "1.5 kB" by powers of 1000, three figures. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (bytes >= 999.5 && unit < units.length - 1) {
    bytes /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(bytes) : significant(bytes)} ${units[unit]}`;
}

/** Seconds in words: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min", "4 d 3 h". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A rate with three figures and its unit: "12.5 images/s". */
export function formatRate(perSecond: number, unit: string): string {
  return `${Number.isFinite(perSecond) ? significant(perSecond) : '–'} ${unit}/s`;
}

/** Whole numbers with thin groups: "12,345". */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

function significant(value: number): string {
  if (value >= 100) return formatCount(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
