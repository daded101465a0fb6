/** The room of a picture in the timeline, in pixels. */
const WIDE = 400;
const HIGH = 300;

/** How large a picture of this size is shown: known before it is loaded, so that nothing jumps. */
export function sizeOf(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, WIDE / width, HIGH / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
