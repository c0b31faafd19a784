// For overlay.html where it is opened as a file: a relay serves the one above as static/overlay.js.

import "../overlay.js";
