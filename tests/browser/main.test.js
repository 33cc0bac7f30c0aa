// One file for `node --test`, so that all tests share one process of the API and one browser.

import "./login.js";
import "./browsable.js";
import "./docs.js";
import "./chat.js";
import "./sending.js";
import "./live.js";
import "./editing.js";
import "./requests.js";
