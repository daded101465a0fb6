import { mount } from 'svelte';
import Reminders from './Reminders.svelte';

export { askWhen } from './asked.svelte';

mount(Reminders, { target: document.body });
