// Today: only the keys.

import { listenToKeys } from "../components/shortcuts.js";

listenToKeys();
