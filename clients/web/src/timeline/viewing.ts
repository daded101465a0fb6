import type { File } from '@palabre/sdk';
import { mount, unmount } from 'svelte';
import { toast } from '../ui/toasts.svelte';
import { t } from '../ui/words';

/**
 * Shows a picture over the whole screen. It is put beside the page and not into its message, which would give it the
 * height of its lines, and take each press for one of its own. Returns what closes it.
 */
export function view(file: File): () => void {
  let closed = false;
  let viewer: Record<string, unknown> | null = null;
  const onclose = () => {
    closed = true;
    if (viewer) void unmount(viewer);
    viewer = null;
  };
  import('./Viewer.svelte').then(
    ({ default: Viewer }) => {
      if (!closed) viewer = mount(Viewer, { target: document.body, props: { file, onclose } });
    },
    () => toast(t().notLoaded, 'error'),
  );
  return onclose;
}
