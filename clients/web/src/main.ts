import './style/tokens.css';
import './style/base.css';
import './style/forms.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { town } from './town/town.svelte';

// What the server is called and allows is wanted by the first screen, but none waits for it.
town.askServer().catch(() => {});
town.enter();
mount(App, { target: document.body });
