// One sound at a time: what begins stops what was heard before, whichever player it is in.

let watched = false;

/** From now on only one plays. */
export function onlyOne(): void {
  if (watched) return;
  watched = true;
  const stopOthers = ({ target }: Event) => {
    for (const other of document.querySelectorAll<HTMLMediaElement>('audio, video')) {
      if (other !== target && !other.paused) other.pause();
    }
  };
  document.addEventListener('play', stopOthers, true);
}

/** The next voice message below this one in the same timeline, if it is near enough to be on the page. */
export function nextAfter(player: HTMLElement): HTMLElement | undefined {
  const all = [...(player.closest('[role=log]') ?? document).querySelectorAll<HTMLElement>('[data-voice]')];
  return all[all.indexOf(player) + 1];
}
