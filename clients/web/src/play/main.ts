import '../style/tokens.css';
import '../style/base.css';
import { mount } from 'svelte';
import PlaygroundPage from './PlaygroundPage.svelte';

mount(PlaygroundPage, { target: document.body });
