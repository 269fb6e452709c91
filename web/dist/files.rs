// Written by web/build.mjs: the files of the page, for src/api/page.rs.
&[
    ("icon-3F2D33AC.svg", include_bytes!("assets/icon-3F2D33AC.svg")),
    ("index.html", include_bytes!("index.html")),
    ("main-JQ5M5464.js", include_bytes!("assets/main-JQ5M5464.js")),
    ("style-JNS2BXCX.css", include_bytes!("assets/style-JNS2BXCX.css")),
    ("theme-JAR2SJNI.js", include_bytes!("assets/theme-JAR2SJNI.js")),
]
