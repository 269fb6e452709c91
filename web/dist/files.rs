// Written by web/build.mjs: the files of the page, for src/api/page.rs.
&[
    ("icon-3F2D33AC.svg", include_bytes!("assets/icon-3F2D33AC.svg")),
    ("index.html", include_bytes!("index.html")),
    ("main-JHFPS4UU.js", include_bytes!("assets/main-JHFPS4UU.js")),
    ("style-J7X5Y36Q.css", include_bytes!("assets/style-J7X5Y36Q.css")),
    ("theme-JAR2SJNI.js", include_bytes!("assets/theme-JAR2SJNI.js")),
]
