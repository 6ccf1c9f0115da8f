// The pages of the settings. All of them work without this script.

import { confirmInDialogs } from "../components/confirm.js";
import { showCopyButtons } from "../components/copy.js";
import { listenToKeys } from "../components/shortcuts.js";
import { find } from "../lib/dom.js";

showCopyButtons();
confirmInDialogs();
listenToKeys();
find(".settings > nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
