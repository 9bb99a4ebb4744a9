//! The texts in English, which declare those of every language.
//!
//! A line is `key = "text";`, with placeholders `key(name: &str) = "text {name}";`. The file of
//! macros beside this one describes the forms, and CONTRIBUTING.md how to add a language.

use super::markup::Markup;

declare_texts! {
    // Every page.
    more = "More";
    renew = "Renew";
    revoke = "Revoke";
    inspect = "Inspect";
    privacy = "Privacy";
    languages = "Language";
    sealed_by_authseal = "Sealed by authseal";
    opens_a_new_tab = "(opens a new tab)";
    to_the_start_page = "To the start page";
    try_again = "Try again";
    log_in_again = "Log in again";

    // Dates: 24 November 2026.
    date(day: &u64, month: &Markup, year: &u64) = "{day} {month} {year}";
    month(number: &u64) = {
        1 => "January", 2 => "February", 3 => "March", 4 => "April", 5 => "May", 6 => "June",
        7 => "July", 8 => "August", 9 => "September", 10 => "October", 11 => "November",
        _ => "December",
    };

    // Copying.
    copied = "Copied";
    copy_failed = "Selected. Copy it with Ctrl+C or ⌘C.";
    copy_authid = "Copy AuthID";
    copy_access_token = "Copy access token";
    copy_command = "Copy command";
    copy_commands = "Copy commands";
    copy_table = "Copy table";
    authid_for(service: &str) = "AuthID for {service}";
    access_token_for(service: &str) = "Access token for {service}";
    one_long_line = "One long line. Copy all of it.";

    // The start page.
    get_an_authid = "Get an AuthID";
    log_in_to(service: &str) = "Log in to {service}";
    log_in_to_named(service: &Markup) = "Log in to {service}";
    no_service_named(asked: &str) = "This server offers no service “{asked}”.";
    choose_one_of_these = "Choose one of these:";
    you_log_in_at_the_provider = "You log in at the provider. This server never sees your password.";
    continue_to(service: &str) = "Continue to {service}";
    log_in_without_sending = "Log in without sending the AuthID";
    what_happens_next = "Next steps";
    asks_for_access(service: &str) = "{service} asks whether you allow access.";
    come_back_for_the_authid = "You come back to this server and get an <strong>AuthID</strong>.";
    you_confirm_the_receiver(app: &str) = "You confirm who receives it, or you paste it into {app} yourself.";
    goes_to_the_opener(app: &str) = "It goes to the {app} that opened this page, or you paste it there.";
    you_paste_it(app: &str) = "You paste the AuthID into {app}.";
    approved_by_an_administrator(service: &str, link: &str) = r#"If {service} says that an administrator must approve this, send <a href="{link}" rel="noreferrer">this link</a> to the administrator of your organisation."#;
    use_another_service = "Use another service";
    log_in_with_a_token = "Log in with a login token";
    no_login_tokens_here = "Some providers give you a login token on their own site, which you paste at this address. This server offers no such provider.";
    these_give_login_tokens = "These services give you a login token on their own site. You paste it here, and get an <strong>AuthID</strong>.";
    no_service_yet = "No service is configured yet";
    no_service_yet_lead = "This server runs, but no storage provider is set up. If you do not run it yourself, ask its administrator.";
    if_you_run_it = "If you run it";
    setup_register = "Register an OAuth application at your storage provider.";
    setup_give_id = "Give its id and secret to this server, as the list below says.";
    setup_check = "Run <code>authseal check</code>. It says what is still missing.";
    setup_restart = "Restart the server.";
    choose_your_storage = "Choose your storage";
    choose_your_storage_lead(app: &str) = "Log in once, and get an <strong>AuthID</strong> that gives {app} or another program access from then on.";
    used_before = "Used before in this browser";
    forget_them = "Forget them";
    all_others = "All others";
    search = "Search";
    search_services(count: &u64) = { 1 => "Search 1 service", _ => "Search {count} services" };
    none_matches = "No matching service.";
    press_enter = "Press Enter to open it.";
    ends_at_restart(services: &str) = "<strong>{services}: log in again after this server is restarted.</strong> An AuthID for it is valid until then. The administrator of this server can change that.";
    the_opener = "The program that opened this page";
    asks_for_your_authid(program: &Markup, app: &str) = "<strong>{program} asks for your AuthID.</strong> Continue only if you came here from your own {app}. You are asked once more before it is handed over.";
    will_receive_your_authid(program: &Markup, app: &str) = "<strong>{program} will receive your AuthID.</strong> Continue only if you came here from your own {app}.";

    // The password.
    password = "Password";
    enter_the_password = "Enter the password";
    password_lead = "The administrator of this server requires a password before you can log in to a storage.";
    password_of_this_server = "Password of this server";
    password_hint = "Not the password of your storage account. You are not asked again in this browser for twelve hours.";
    continue_now = "Continue";
    wrong_password = "Wrong password. Enter it again.";
    too_many_passwords(seconds: &u64) = {
        1 => "Too many attempts from your network. Try again in 1 second.",
        _ => "Too many attempts from your network. Try again in {seconds} seconds.",
    };
    too_many_at_the_password = "Too many people are entering a password right now. Try again in a moment.";
    no_key_to_seal = "This server has no key to seal an AuthID with. Tell the administrator of this OAuth server.";

    // The form for a login token.
    cli_token_lead(service: &str) = "{service} logs you in with a login token that you make on its own site.";
    that_did_not_work = "It did not work.";
    login_token = "Login token";
    login_token_hint = "It works once, and expires soon.";
    get_the_authid = "Get the AuthID";
    how_to_get_a_login_token = "How to get a login token";
    open_it(link: &Markup) = "Open {link}.";
    security_settings_of(service: &str) = "{service}'s security settings";
    open_security_settings(service: &str) = "Open the security settings of your {service} account.";
    make_a_login_token = "Under <strong>Personal login token</strong>, make a new one and copy all of it.";
    paste_it_above = "Paste it above.";
    table_to_add = "Table to add";
    table_hint = "For the administrator: put it into the file that AUTHSEAL_PROVIDERS names, and restart the server.";

    // The forms for an AuthID.
    authid_hint = "It starts with <code>v2:</code>. It is sent to this server only, which does not store it.";
    revoke_an_authid = "Revoke an AuthID";
    revoke_lead = "The provider is asked to end the login behind it. Every AuthID of that login stops working.";
    revoke_it = "Revoke it";
    revoke_afterwards(app: &str) = "Backups that use it can't reach their files afterwards. Log in again to give {app} a new one.";
    inspect_an_authid = "Inspect an AuthID";
    inspect_lead = "You see what this server knows of it: the service, the dates of login and AuthID, the key, and how long it is valid.";
    inspect_it = "Inspect it";
    inspect_afterwards = "No token is shown, nothing is changed, and the provider is not asked.";
    renew_an_authid = "Renew an AuthID";
    renew_lead = "The provider is asked whether the login behind it is still valid. You get the newest AuthID of that login, without logging in again.";
    renew_it = "Renew it";
    renew_afterwards(app: &str) = "Put the new one into {app}. The old one works until this server's administrator retires the key that sealed it.";
    revoked = "Revoked";
    login_is_revoked = "The login is revoked";
    revoked_lead(provider: &str, service: &str) = "{provider} has confirmed it: no AuthID of this login to {service} gives access any more.";

    // An inspected AuthID.
    standing_revoked = "<strong>It is revoked.</strong> It gives no access any more. Log in again.";
    standing_refreshed(minutes: &u64, provider: &str) = {
        1 => "<strong>It works.</strong> {provider} gave this server an access token lately, which is valid for another minute.",
        _ => "<strong>It works.</strong> {provider} gave this server an access token lately, which is valid for another {minutes} minutes.",
    };
    standing_unanswered(provider: &str) = "<strong>It may be used up.</strong> This server sent its token to {provider} and got no answer.";
    standing_store_silent = "<strong>This server does not know now whether it works.</strong> The newest token of the login cannot be read now. Try again later; if this does not end, log in again.";
    standing_unknown(provider: &str) = "<strong>The AuthID is readable, and is not revoked here.</strong> This server has no access token for it now, so only {provider} can say whether the login is still valid.";
    ask_by_renewing(provider: &str) = "Ask {provider} by renewing it";
    its_contents = "Its contents";
    service = "Service";
    account = "Account";
    account_unknown = "Not in an AuthID. Only the page of a login shows it.";
    region = "Region";
    login = "Login";
    login_unknown = "Not known: the login was made on another server";
    issued = "Issued";
    issued_unknown = "Not known: the AuthID is from Duplicati's own server";
    generation = "Generation";
    generation_meaning(number: &u64, provider: &str) = "{number}, the number of times that {provider} had replaced the token.";
    generation_newer(number: &u64) = "This server knows generation {number} and uses that.";
    key = "Key";
    key_made(days: &u64, kid: &str, date: &Markup) = {
        0 => "<code>{kid}</code> made on {date}, less than a day ago.",
        1 => "<code>{kid}</code> made on {date}, 1 day ago.",
        _ => "<code>{kid}</code> made on {date}, {days} days ago.",
    };
    key_older = "New AuthIDs are sealed with a newer key.";
    key_ends(date: &Markup) = "It opens AuthIDs until {date}: renew this one before then.";
    client_id = "Client id";
    client_id_other(provider: &str) = "Another one than this server has now. If {provider} refuses the token, log in again.";

    // How long an AuthID is valid.
    how_long_valid = "How long it is valid";
    valid_unlimited(provider: &str) = "Until you or {provider} revoke the access.";
    valid_while_used(days: &u64, provider: &str) = {
        1 => "For 1 day after its last use: {provider} ends a login that is not used for longer. Log in again then.",
        _ => "For {days} days after its last use: {provider} ends a login that is not used for longer. Log in again then.",
    };
    valid_from_issue(days: &u64, until: &Markup) = {
        1 => "<strong>Until {until}</strong>, 1 day after it was made, even if it is used. Log in again before then.",
        _ => "<strong>Until {until}</strong>, {days} days after it was made, even if it is used. Log in again before then.",
    };
    valid_until_restart(provider: &str) = "<strong>Until this server is restarted.</strong> {provider} replaces each token that is used, and this server keeps the newest one only in its memory. Log in again after a restart. A program that keeps each newer AuthID itself, as rclone does, continues to work.";

    // The result of a login: who receives it.
    your_authid_for(service: &str) = "Your AuthID for {service}";
    your_access_token_for(service: &str) = "Your access token for {service}";
    done_sent_to(app: &str) = "Done: sent to {app}";
    not_handed_over = "The hand-over failed";
    nothing_is_handed_over = "Nothing is handed over now";
    hand_over_authid = "Hand over your AuthID?";
    hand_over_access_token = "Hand over your access token?";
    authid_is_ready = "Your AuthID is ready";
    access_token_is_ready = "Your access token is ready";
    account_at(provider: &str) = "Account at {provider}:";
    or_log_in_as_another(url: &str) = r#"or <a href="{url}">log in as somebody else</a>"#;
    log_in_as_another = "Log in as somebody else";
    log_out_first(provider: &str, url: &str) = r#"Not the right account? Log out at {provider}, then <a href="{url}">log in again</a>."#;
    authid_not_stored(app: &str) = "This server could not store the AuthID for {app}. Try again, or copy it below.";
    access_token_not_stored(app: &str) = "This server could not store the access token for {app}. Try again, or copy it below.";
    first_copy_this_then_authid(app: &str) = "First copy this: {app} asks for it too, and closes this window when it has the AuthID.";
    first_copy_this_then_access_token(app: &str) = "First copy this: {app} asks for it too, and closes this window when it has the access token.";
    fetched_soon(app: &str) = "{app} fetches it within a few seconds, and closes this window. If the AuthID field there stays empty, copy it below.";
    too_late(app: &str) = "It was handed over before, or more than five minutes have passed since {app} opened this page. Copy it, and paste it into the AuthID field in {app}.";
    fetched_perhaps(app: &str) = "{app} fetches it within a few seconds, if its address begins with http:// (not https://). If nothing happens, copy it here.";
    asks_for_this_too(app: &str) = "{app} asks for this too:";
    copy_and_paste_with_this(app: &str) = "Copy it, and paste it into the AuthID field in {app}, which asks for this too:";
    copy_and_paste(app: &str) = "Copy it, and paste it into the AuthID field in {app}.";
    fetching_is_blocked(app: &str) = "{app} can't fetch it: its page is on https, this server is on http, and browsers block that.";
    close_window = "Close this window";
    close_failed = "The browser keeps it open: close it yourself.";
    copy_authid_yourself = "Copy the AuthID yourself";
    copy_access_token_yourself = "Copy the access token yourself";
    copy_it_instead = "Copy it instead";
    hand_it_over_instead = "Hand it over instead";
    works_by_http_only(app: &str) = "This works only if the address of your {app} begins with http:// and not with https://. Browsers block requests of an https page to this server, which is on http.";

    // The question before a hand-over.
    a_program_without_address = "A program that does not say its address";
    program_asks_for_authid(program: &Markup) = "<strong>{program} asks for your AuthID.</strong>";
    program_asks_for_access_token(program: &Markup) = "<strong>{program} asks for your access token.</strong>";
    who_has_it_reaches(service: &str) = "Anyone who has it can reach your files in {service}.";
    only_from_your_own(app: &str) = "Hand it over only if you came here from your own {app}. If somebody sent you a link to this server, close this window.";
    only_from_this_address(app: &str) = "Hand it over only if you came here from your own {app} and this is its address. If somebody sent you a link to this server, close this window.";
    hand_over_to(program: &str) = "Hand it over to {program}";
    hand_over_to_the_opener = "Hand it over to the program that opened this page";

    // Sending it to the page that opened this one.
    sent_to(origin: &str) = "Sent to {origin}. If the AuthID field there stays empty, copy it below.";
    send_to(origin: &str) = "Send it to {origin}";
    send_hint = "This is the page that opened this one.";
    send_authid_only_to_your_own(app: &str) = "Send the AuthID only if it is your own {app}.";
    send_access_token_only_to_your_own(app: &str) = "Send the access token only if it is your own {app}.";
    sent(app: &str) = "Sent. If {app} is at that address, you can close this window.";
    write_an_address = "Write it like https://duplicati.example.com:8200";
    address_of_your(app: &str) = "Address of your {app}";
    unnamed_opener_gets_authid = "Another page opened this one, but the browser does not say which. Only a page at this address can receive the AuthID.";
    unnamed_opener_gets_access_token = "Another page opened this one, but the browser does not say which. Only a page at this address can receive the access token.";
    send_it_there = "Send it there";

    // Where to use an AuthID.
    where_to_use_it = "Where to use it";
    a_script = "A script";
    rclone_lead = "Run this on the machine that has rclone. rclone then gets its access tokens from this server, and saves newer AuthIDs by itself.";
    save_authid_first(app: &str) = "First save the AuthID there in a file <code>authid</code>, with a text editor: copy it from the tab {app}. <code>chmod 600 authid</code> hides it from other users.";
    short_form = "Short form";
    reads_file_authid = "It reads the AuthID from that file in the same folder, and fails without it.";
    with_the_authid_in_it = "With the AuthID in it";
    command_for_rclone = "Command for rclone";
    command_is_visible = "While it runs, other users of that machine can see it; afterwards it is in the shell's history.";
    script_lead = "Any OAuth library can use the AuthID as its refresh token, with no client secret.";
    script_answer = "It reads the AuthID from that file in the same folder, and fails without it. The response is JSON: <code>access_token</code>, <code>expires_in</code> in seconds, and <code>refresh_token</code>, the newest AuthID.";
    save_it_each_time(provider: &str) = "Save it each time: {provider} replaces its tokens.";
    commands_for_a_shell = "Commands for a shell";
    they_write_authid = "They write the file <code>authid</code> first.";

    // What else to know of the result.
    treat_like_a_password = "Treat it like a password.";
    authid_reaches_files = "Anyone who has it can reach your files through this server. This server does not store it: if you lose it, log in again.";
    access_token_reaches_files(service: &str, app: &str) = "Anyone who has it can reach your files. {service} gives a long-lived token: {app} uses it directly and never refreshes it here, so this server cannot revoke it.";
    take_access_away = "To take access away";
    revoke_here_while_you_have_it(url: &str) = r#"<a href="{url}">Revoke the AuthID here</a>, while you have it."#;
    remove_connection_in_account(apps: &Markup) = "Remove the connection in your account: {apps}.";
    or_remove_connection_in_account(apps: &Markup) = "Or remove the connection in your account: {apps}.";
    connected_apps = "connected apps";
    remove_connection_at(service: &str) = "Remove the connection in the settings of your {service} account.";
    or_remove_connection_at(service: &str) = "Or remove the connection in the settings of your {service} account.";
    authid_stops_then = "The AuthID stops working then.";
    access_token_stops_then = "The access token stops working then.";
    open_service(service: &str) = "Open {service}";
    get_another_authid = "Get another AuthID";

    // An AuthID for another machine.
    authid_elsewhere = "AuthID for another machine";
    get_it_elsewhere = "Get it on another machine";
    elsewhere_lead(minutes: &u64, service: &str) = {
        1 => "The AuthID for {service} can be fetched <strong>once, within 1 minute</strong>.",
        _ => "The AuthID for {service} can be fetched <strong>once, within {minutes} minutes</strong>.",
    };
    command_for_that_machine = "Command for that machine";
    elsewhere_hint = "It prints the AuthID. Afterwards the code in it is of no use to anybody. Error 404 means that the code was used, or is too old.";
    or_scan = "Or scan this with its camera";
    scan_hint = "A page opens there, with a button that shows the AuthID.";
    qr_code = "QR code with a link for the other machine";
    show_it_to_nobody = "<strong>Show it to nobody.</strong> The first person who uses the code gets the AuthID.";
    get_by_code = "Get an AuthID by code";
    collect_lead = "The code is on the machine on which you logged in, under “Get it on another machine”. It works once.";
    code = "Code";
    code_hint = "16 letters and digits, in groups of four.";
    show_the_authid = "Show the AuthID";
    code_unknown = "This code is unknown, was used before, or is older than 5 minutes. Make a new one on the page with the AuthID; if it was used, log in again.";
    too_many_codes_tried = "Too many codes were tried from your network. Try this one again in a minute.";
    code_not_now = "This server can't look for the code now. Try again in a moment.";

    // Privacy.
    privacy_lead(app: &str) = "This server helps {app} to reach your storage without a browser. It makes no account for you.";
    what_is_stored = "Stored data";
    stored_but_this = "Besides its log, this server stores nothing of you but what this paragraph says.";
    stored_nothing_on_disk = "Besides its log, this server stores nothing of you on disk.";
    stored_in_memory(app: &str) = "When you log in, your provider gives this server a token. The server seals it into your AuthID, gives that to you, and forgets the token. If the provider's response names your account, the page with the AuthID shows the name, and this server forgets it too. While {app} uses the AuthID, a short-lived access token stays in memory until it expires, usually within the hour.";
    hand_overs_in_memory(app: &str) = "An AuthID that {app} is about to fetch stays in memory for half a minute, and one that you want to have on another machine for five minutes.";
    hand_overs_in_store(app: &str) = "An AuthID that {app} is about to fetch stays in this server's store for half a minute, and one that you want to have on another machine for five minutes. It is sealed there.";
    stored_newest_in_store = "If your provider replaces its tokens, your newest AuthID stays in this server's store for 180 days after its last use, where it can be opened only with an AuthID of yours.";
    stored_newest_in_memory = "If your provider replaces its tokens, your newest AuthID stays in memory until the server restarts.";
    files_do_not_pass(app: &str) = "Your files never pass through here: {app} talks to the storage itself.";
    what_is_in_an_authid = "Contents of an AuthID";
    in_authid_encrypted = "All of it except the service is encrypted with a key that only this server has.";
    in_authid_service = "The storage it is for, readable by anyone: <code>v2:googledrive:</code>";
    refresh_token = "Refresh token";
    in_authid_refresh_token = "The token that the provider gave when you allowed access";
    time = "Time";
    in_authid_time = "The time at which the AuthID was made";
    lineage = "Lineage";
    in_authid_lineage = "A random number made at your login, and how often the provider has replaced the token since";
    client_mark = "Client mark";
    in_authid_client_mark = "A few characters that tell which application of this server at the provider you logged in with";
    in_authid_no_name = "An AuthID contains no name, no e-mail address and no password.";
    what_is_logged = "Logs";
    logged = "The log has a line for each request to this server: the time, the IP address from which it came, the kind of request, the result, and, if it was about an AuthID, the service and a short code that tells one login from another. It never contains a token, an AuthID, or anything from inside one. A proxy in front of this server may keep a log of its own.";
    logged_with_names = "The log has a line for each request to this server: the time, the IP address from which it came, the kind of request, the result, and, if it was about an AuthID, the service, its names and a short code that tells one login from another. It never contains a token or an AuthID. A proxy in front of this server may keep a log of its own.";
    cookies = "Cookies";
    cookies_of_logins = "When you log in, one cookie connects the provider's response to your browser. If a program opens this site for you, a cookie before that remembers the program that gets the AuthID. Both are sealed, scripts can't read them, and they expire after 10 minutes. If this site asks for a password, two more cookies remember that it was given in this browser: for 12 hours, so that you are not asked again, and for 180 days, so that wrong guesses of other people don't make you wait.";
    cookie_of_the_language = "If you choose a language at the foot of a page, a cookie remembers it, usually until you close the browser. It contains nothing else.";
    remembered_services = "The start page remembers, in this browser alone, which services you chose, and shows them first. It has a button to forget them.";
    how_to_revoke = "How to revoke access";
    revoke_here_or_there(url: &str) = r#"<a href="{url}">Revoke the AuthID here</a>, while you have it: this server then asks the provider to end the login. Or remove the connection in your account at the provider. The AuthID stops working then, either way."#;
    renew_or_inspect(renew: &str, inspect: &str) = r#"An older AuthID can be <a href="{renew}">renewed</a>, and the page to <a href="{inspect}">inspect</a> one says what it is, without showing a token."#;

    // Errors.
    message_from_the_provider = "Message from the provider";
    tell_administrator = "Tell the administrator of this OAuth server.";
    no_such_page = "There is no such page";
    no_such_page_happened = "This server has no page at this address.";
    no_such_page_advice = "Choose a service on the start page.";
    waits_for_keys = "This server waits for its keys";
    waits_for_keys_advice = "Nothing is lost: AuthIDs work again as soon as the keys are back.";
    not_from_here = "You can't log in from here";
    not_from_address(address: &str) = "This server lets people log in from certain networks only, and you come from {address}.";
    not_from_address_advice = "Try again from an allowed network, for example at home or over a VPN, or ask the administrator.";
    not_from_unknown_address = "This server lets people log in from certain networks only, and it can't tell where you come from: the proxy in front of it does not say, or is not trusted.";
    not_from_unknown_address_advice = "Tell the administrator: AUTHSEAL_TRUSTED_PROXIES must name the proxy, and the proxy must send X-Forwarded-For or Forwarded: only one of the two, or both with the same address.";
    not_signed_in = "You are not signed in";
    not_signed_in_happened = "This server accepts only people whom its proxy has signed in. The proxy named no user.";
    not_signed_in_advice = "Sign in at the proxy first, or ask the administrator.";
    not_renewed = "The AuthID is not renewed";
    not_renewed_advice = "The AuthID that you have is unchanged.";
    not_revoked = "The login is not revoked";
    not_revoked_advice = "The AuthID may still give access.";
    remove_access_there = "Remove the access there";
    not_inspected = "This AuthID can't be inspected";
    not_inspected_advice = "Nothing was changed.";
    sent_by_another_site = "Another site sent this";
    sent_by_another_site_happened = "Another site sent a form to this server in your name, so nothing was done.";
    sent_by_another_site_advice = "If you meant to do it, begin on a page of this server.";

    // Reasons that clients get too, by who can help. The server's own words are in English, and
    // another language says the same before them.
    reason_no_authid(reason: &Markup) = "{reason}";
    reason_not_an_authid(reason: &Markup) = "{reason}";
    reason_login_over(reason: &Markup) = "{reason}";
    reason_remove_there(reason: &Markup) = "{reason}";
    reason_outside_networks(reason: &Markup) = "{reason}";
    reason_other_client(reason: &Markup) = "{reason}";
    reason_perhaps_other_client(reason: &Markup) = "{reason}";
    reason_administrator(reason: &Markup) = "{reason}";
    reason_keys_missing(reason: &Markup) = "{reason}";
    reason_unavailable(reason: &Markup) = "{reason}";
    reason_overloaded(reason: &Markup) = "{reason}";
    reason_no_revocation(reason: &Markup) = "{reason}";
    reason_login_refused(reason: &Markup) = "{reason}";

    // Advice of providers.toml, in the same way.
    advice_to_log_in(advice: &Markup) = "{advice}";
    advice_to_the_user(advice: &Markup) = "{advice}";
    advice_to_the_organisation(advice: &Markup) = "{advice}";
    advice_to_wait(advice: &Markup) = "{advice}";

    // Errors of one-time codes.
    no_code = "No code was made";
    no_code_old_page = "The page with the button is older than 10 minutes, or is not of this server.";
    no_code_old_page_advice = "Renew the AuthID, or log in again: the new page has the button too.";
    too_many_codes = "Too many codes for your network";
    too_many_codes_happened = "Your network has made more codes in the last minutes than this server allows.";
    too_many_codes_advice(seconds: &u64) = {
        1 => "Wait 1 second, then load this page again, or copy the AuthID from the page with the button.",
        _ => "Wait {seconds} seconds, then load this page again, or copy the AuthID from the page with the button.",
    };
    fetched_already = "The AuthID was fetched already";
    fetched_already_happened = "The AuthID of this page was fetched by its code, which works once.";
    fetched_already_advice = "If it was you and the AuthID got lost, log in again. If it was not you, revoke the AuthID first.";
    no_code_not_stored = "This server could not store the AuthID for the other machine.";
    no_code_not_stored_advice = "Load this page again in a moment, or copy the AuthID from the page with the button.";

    // Errors of logins.
    no_such_service = "There is no such service";
    no_such_service_happened = "The link asks for a service that this server does not offer.";
    no_such_service_advice = "Choose one from the list.";
    login_not_finished = "This login can't be finished";
    login_not_begun = "It was not begun in this browser, it took longer than ten minutes, or the page was loaded a second time.";
    login_not_begun_advice = "Begin again. If it happens every time, allow cookies for this site.";
    too_many_logins = "Too many logins from your network";
    too_many_logins_happened = "Your network has begun more logins in the last minutes than this server allows.";
    too_many_logins_advice(seconds: &u64) = {
        1 => "Wait 1 second, then load this page again: you can still finish this login for some minutes.",
        _ => "Wait {seconds} seconds, then load this page again: you can still finish this login for some minutes.",
    };
    no_login_yet = "No login yet";
    no_login_yet_happened = "Your browser came back from the page on which an administrator consents for an organisation. That consent is no login, so there is no AuthID.";
    no_login_yet_advice = "Now log in, as the user whose files are meant: choose the service on the start page.";
    came_from_unknown_place(provider: &str) = "{provider} sent you back from an unknown place";
    came_from_unknown_place_happened = "This server does not know the address at which your account is, so nothing was sent there.";
    no_login_token_of(provider: &str) = "This is no login token of {provider}";
    no_login_token_advice = "Make a new one and paste all of it.";
    login_comes_again = "Nothing was sent. Load this page again in a moment: you can still finish this login for some minutes.";
    no_authid_log_in_again = "No AuthID was made. Log in again.";
    no_authid = "No AuthID was made.";
    cannot_seal = "This server can't make an AuthID now";
    cannot_seal_happened = "None of its keys may seal an AuthID.";
    refused_the_login(provider: &str) = "{provider} refused the login";
    refused_the_login_happened(provider: &str) = "{provider} sent you back without giving access.";
    refused_the_login_advice = "If you declined by mistake, try again. If it happens every time, show this page to the administrator.";
    no_consent = "The consent was not given";
    no_consent_happened(code: &str) = "Your browser came back from the page on which an administrator consents for an organisation, and there was no consent{code}: it was declined, or the account may not give it.";
    no_consent_advice = "An administrator of the organisation must open the link to that page again and accept. If nobody declined, send this page to this server's administrator.";
    not_from_provider(provider: &str) = "This answer is not from {provider}";
    came_from_another_path(provider: &str) = "You were logging in to {provider}, but the answer that your browser brought came to the address of another provider. It was not used, and no AuthID was made.";
    came_from_another_issuer(provider: &str) = "You were logging in to {provider}, but the answer that your browser brought names another provider as its sender (iss). It was not used, and no AuthID was made.";
    not_from_provider_advice(id: &str) = "Try again. If it happens every time, show this page to the administrator: either issuer or redirect_path is wrong in [provider.{id}], or one provider is trying to misuse your login at another.";
    gave_no_token(provider: &str) = "{provider} gave no token";
    refused_unknown(provider: &str, refusal: &str) = "{provider} refused it ({refusal}). It was not begun in this browser, or longer than ten minutes ago.";
    the_provider_refused_unknown(refusal: &str) = "The provider refused it ({refusal}). It was not begun in this browser, or longer than ten minutes ago.";
    refused_unknown_advice = "If you declined, or closed the provider's page, begin again. If it happens every time, show this page to the administrator, and allow cookies for this site.";
    provider_has_a_fault = "The provider has a fault or is busy, which passes. Wait some minutes, then begin again. If it stays, show this page to the administrator.";
    provider_wants_you = "The provider wants you to sign in, choose an account or accept there. Begin again, and do so when it asks. If it does not ask, show this page to the administrator.";
    nobody_declined = "Nobody declined: the provider does not take this server's application or its request. Show this page to the administrator, who compares the application at the provider with authseal check.";
    not_all_permissions(provider: &str) = "{provider} did not give all permissions";
    not_all_permissions_happened(missing: &str) = "Missing: {missing}. Without that, programs would fail later, so no AuthID was made.";
    not_all_permissions_advice = "Log in again, and allow everything that is asked for. If nothing was asked, the application may lack these permissions: tell the administrator.";
    no_refresh_token(provider: &str) = "{provider} sent no refresh token";
    no_refresh_token_happened(provider: &str) = "{provider} gave access, but no refresh token, and an AuthID needs one.";
    no_refresh_token_advice = "Some providers send it only at the first login to an application: remove the application from the connected apps of your account, then log in again. If it stays, the administrator must find the scope or parameter that asks for one.";
    see_who_has_access = "See who has access";

    // Limits and names of an AuthID.
    limits = "Limits";
    limited_until(time: &str) = "until {time}";
    limited_to_networks(networks: &str) = "from {networks}";
    limited_per_hour(times: &u64) = { 1 => "once an hour", _ => "{times} times an hour" };
    it_is_limited(limits: &Markup) = "<strong>It is valid {limits}.</strong>";
    will_be_limited(limits: &Markup) = "The AuthID will be valid {limits}.";
    each_is_limited(limits: &Markup) = "Each AuthID of this server is valid {limits}. You can narrow that.";
    refused_now = "It is refused to you now.";
    restrict_this_authid = "Restrict this AuthID";
    good_until = "Valid until";
    good_from_networks = "Valid from networks";
    networks_hint = "For example 192.168.0.0/16, fd00::/8.";
    your_network(network: &str) = "You come from {network}.";
    uses_in_an_hour = "Uses in an hour";
    set_limits = "Set these limits";
    limits_not_set = "These limits can't be set";
    limits_not_set_advice = "Go back and correct them. No login was begun.";
    nothing_to_limit = "This login can't be restricted";
    nothing_to_limit_happened(provider: &str) = "{provider} gives a token that programs use without this server, so no limit of this server concerns it.";
    nothing_to_limit_advice = "Log in without limits, or not at all.";
    log_in_without_limits = "Log in without limits";
    enter_code_elsewhere = "Enter the code on a machine from which the AuthID may be used.";
    name = "Name";
    user = "User";
    name_the_authid = "Name the AuthID";
    name_the_authid_lead = "By its name, the administrator of this server can tell this AuthID from others, and revoke it.";
    label_hint = "For example “laptop of the accountant”. It is sealed into the AuthID and stands in the log of this server. You may leave it empty.";
    user_not_sealed = "Your name can't be sealed into an AuthID";
    user_not_sealed_happened(why: &Markup) = "The proxy in front of this server sent a name for you that {why}.";
    in_authid_user = "The name by which the proxy in front of this server knows you";
    in_authid_label = "The name that you gave the AuthID before the login";
    in_authid_names = "An AuthID contains nothing else of you, and no password. Its names stand in the log of this server at each use, and the administrator can revoke AuthIDs by them.";
    audited = "An audit log keeps the time and the address of each login, also of one that was refused, and of each AuthID that was refused, renewed or revoked here.";
    audited_with_names = "An audit log keeps the time and the address of each login, also of one that was refused, and of each AuthID that was refused, renewed or revoked here, with its names.";

    // Text that is no login token.
    token_empty = "Nothing was pasted.";
    token_is_an_authid = "This is an AuthID, which is what you get here. Paste the login token instead.";
    token_not_whole = "It is not whole, or not a login token; copy all of it.";
    token_not_json = "It is not a login token, or only a part of one; copy all of it.";
    token_no_realm = "It does not say at which realm and at which https address it is valid, so it was sent nowhere; copy all of it, or make a new one.";
    token_of_offered(name: &str, realm: &str, host: &str, here: &str) = "This token is of {name} (realm {realm} at {host}), and this page is for {here}. It was sent nowhere, so it is still valid: choose {name} on the start page, and paste it there.";
    token_of_withheld(name: &str, realm: &str, host: &str, how: &Markup) = "This token is of {name} (realm {realm} at {host}), which this server does not offer yet. It was sent nowhere, so it is still valid. The administrator can offer {name}: {how}.";
    token_of_unknown(here: &str, realm: &str, host: &str) = "This token is not of {here}: it is of the realm {realm} at {host}, which this server does not know. It was sent nowhere, so it is still valid. If that is where the account is, the administrator can add the table below. Check the host before: logins are sent there.";
}
