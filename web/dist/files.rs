// Written by web/build.mjs: the files of the page, for src/api/page.rs.
&[
    ("icon-3F2D33AC.svg", include_bytes!("assets/icon-3F2D33AC.svg")),
    ("index.html", include_bytes!("index.html")),
    ("main-T7ZNAVF2.js", include_bytes!("assets/main-T7ZNAVF2.js")),
    ("style-F5R72U7Q.css", include_bytes!("assets/style-F5R72U7Q.css")),
    ("theme-JAR2SJNI.js", include_bytes!("assets/theme-JAR2SJNI.js")),
]
