// Written by web/build.mjs: the files of the page, for src/api/page.rs.
&[
    ("icon-3F2D33AC.svg", include_bytes!("assets/icon-3F2D33AC.svg")),
    ("index.html", include_bytes!("index.html")),
    ("main-OOK4OJGG.js", include_bytes!("assets/main-OOK4OJGG.js")),
    ("style-TVUNWGK7.css", include_bytes!("assets/style-TVUNWGK7.css")),
    ("theme-JAR2SJNI.js", include_bytes!("assets/theme-JAR2SJNI.js")),
]
