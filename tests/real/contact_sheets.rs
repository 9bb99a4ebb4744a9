//! Pictures of every page, for people to look at: one contact sheet for each size,
//! scheme and language.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{
    browser::Browser,
    page::Page,
    site::{LANGUAGES, Site},
};

/// A desktop, a phone, and Duplicati's popup.
const SIZES: [(u32, u32); 3] = [(1280, 900), (390, 844), (450, 600)];
const SCHEMES: [&str; 2] = ["light", "dark"];

/// Writes the sheets if AUTHSEAL_TEST_SHOTS names a folder for them.
#[tokio::test]
async fn contact_sheets_show_every_page_if_a_folder_is_named() {
    let Some(folder) = env::var_os("AUTHSEAL_TEST_SHOTS").map(PathBuf::from) else {
        return;
    };
    for language in LANGUAGES {
        let (site, browser) = (Site::start().await, Browser::open_in(language).await);
        let pages = site.pages();
        let sheet = |(width, height): (u32, u32), scheme: &str| {
            folder.join(format!("{width}x{height}-{scheme}-{language}"))
        };
        for (number, page) in pages.iter().enumerate() {
            page.open_in(&browser, language).await;
            for size in SIZES {
                for scheme in SCHEMES {
                    let sheet = sheet(size, scheme);
                    fs::create_dir_all(&sheet).unwrap();
                    browser.prefer(scheme).await;
                    browser.resize(size.0, size.1).await;
                    let file = sheet.join(format!("{number:02}.png"));
                    browser.screenshot_of_all(&file).await;
                }
            }
        }
        for size in SIZES {
            for scheme in SCHEMES {
                write_sheet(&browser, &sheet(size, scheme), &pages, size).await;
            }
        }
    }
}

/// Puts the pictures in `sheet` onto one page. A line shows the part that is seen without
/// scrolling.
async fn write_sheet(browser: &Browser, sheet: &Path, pages: &[Page], (width, height): (u32, u32)) {
    let figures: String = pages
        .iter()
        .enumerate()
        .map(|(number, page)| {
            let heading = page.heading;
            format!(
                "<figure><figcaption>{number:02} {heading}</figcaption>\
                 <div><img src=\"{number:02}.png\"></div></figure>"
            )
        })
        .collect();
    let html = format!(
        "<!doctype html><meta charset=utf-8><title>{width}×{height}</title><style>\
         body{{margin:8px;display:flex;flex-wrap:wrap;gap:8px;background:#777;font:12px sans-serif}}\
         figure{{margin:0;width:300px}}img{{width:100%;display:block}}\
         div{{position:relative;overflow:hidden}}\
         div::after{{content:'';position:absolute;inset:0 0 auto;height:calc(300px*{height}/{width});\
         border-bottom:1px dashed red}}</style>{figures}"
    );
    let index = sheet.join("index.html");
    fs::write(&index, html).unwrap();
    browser.resize(1920, 1080).await;
    browser.go(&format!("file://{}", index.display())).await;
    browser
        .screenshot_of_all(&sheet.with_extension("png"))
        .await;
}
