"""The sentences of the pages in Turkish, by their English."""

TURKISH = {
    "A name for it": "Ona bir ad verin",
    "A new secret takes the place of the old one at once.": "Yeni gizli anahtar eskisinin yerini hemen alır.",
    "Access tokens": "Erişim anahtarları",
    "Add a passkey": "Geçiş anahtarı ekle",
    "Address of its logo, if it has one": "Varsa logosunun adresi",
    "Afterwards you are sent to {destination}.": "Sonra {destination} adresine yönlendirilirsiniz.",
    "Allow": "İzin ver",
    "Allow {name}?": "{name} uygulamasına izin verilsin mi?",
    "Applications": "Uygulamalar",
    "Applications that you have allowed to act for you.": "Sizin adınıza işlem yapmasına izin verdiğiniz uygulamalar.",
    "At least 8 characters. All your other sessions end.": "En az 8 karakter. Diğer bütün oturumlarınız kapanır.",
    "Business": "İşletme",
    "Businesses": "İşletmeler",
    "Cancel": "Vazgeç",
    "Change password": "Parolayı değiştir",
    "Client id": "İstemci kimliği",
    "Code": "Kod",
    "Connect a device": "Cihaz bağla",
    "Connected applications": "Bağlı uygulamalar",
    "Continue": "Devam",
    "Delete": "Sil",
    "Delete the application": "Uygulamayı sil",
    "Delete {name}": "Sil: {name}",
    "Deny": "Reddet",
    "Disconnect": "Bağlantıyı kes",
    "Disconnect {name}": "Bağlantıyı kes: {name}",
    "Does your device show this code? If not, or if somebody sent it to you, deny.": (
        "Cihazınızda bu kod mu görünüyor? Görünmüyorsa ya da kodu size biri gönderdiyse reddedin."
    ),
    "E-mail address": "E-posta adresi",
    "End": "Kapat",
    "End {name}": "Kapat: {name}",
    "End all others": "Diğerlerinin hepsini kapat",
    "Enter the code that your authenticator app shows, or one of your recovery codes.": (
        "Doğrulama uygulamanızın gösterdiği kodu ya da kurtarma kodlarınızdan birini girin."
    ),
    "Enter the code that your device shows.": "Cihazınızın gösterdiği kodu girin.",
    "For how long?": "Ne kadar süreyle?",
    "For scripts of your own. A token can do what you can, within its scopes.": (
        "Kendi betikleriniz için. Bir anahtar, kapsamları içinde sizin yapabildiklerinizi yapabilir."
    ),
    "Go to my account": "Hesabıma git",
    "Go back to the application": "Uygulamaya geri dönün",
    "Your browser cannot open the application by itself: the address that it registered, {scheme}:, has a letter that"
    " browsers do not know.": (
        "Tarayıcınız uygulamayı kendiliğinden açamıyor: kaydettiği adreste ({scheme}:) tarayıcıların tanımadığı bir"
        " karakter var."
    ),
    "Open {name}": "Aç: {name}",
    "Close this page and try again there. If it happens again, tell whoever made the application.": (
        "Bu sayfayı kapatıp uygulamada yeniden deneyin. Yine olursa uygulamayı yapanlara bildirin."
    ),
    "Here is its secret. Copy it now: it is not shown again.": (
        "Gizli anahtarı burada. Şimdi kopyalayın: bir daha gösterilmez."
    ),
    "Here is your new token. Copy it now: it is not shown again.": (
        "Yeni anahtarınız burada. Şimdi kopyalayın: bir daha gösterilmez."
    ),
    "In all my businesses": "Bütün işletmelerimde",
    "In these businesses": "Şu işletmelerde",
    "It can never do more there than your own role allows.": (
        "Orada sizin rolünüzün izin verdiğinden fazlasını yapamaz."
    ),
    "It got no access. You can close this page.": "Erişim verilmedi. Bu sayfayı kapatabilirsiniz.",
    "It is on: after your password you are asked for a code of your authenticator app.": (
        "Açık: paroladan sonra doğrulama uygulamanızdaki kod sorulur."
    ),
    "It would be able to": "Şunları yapabilecek",
    "Keep these recovery codes safe. Each lets you in once if you lose your phone. They are not shown again.": (
        "Bu kurtarma kodlarını güvenli bir yerde saklayın. Telefonunuzu kaybederseniz her biri bir kez giriş sağlar."
        " Bir daha gösterilmezler."
    ),
    "Kind": "Türü",
    "Make a new secret": "Yeni gizli anahtar oluştur",
    "Make new recovery codes": "Yeni kurtarma kodları oluştur",
    "Make the token": "Anahtarı oluştur",
    "My account": "Hesabım",
    "Name": "Ad",
    "New password": "Yeni parola",
    "New token": "Yeni anahtar",
    "None yet: you belong to no business.": "Henüz yok: hiçbir işletmeye üye değilsiniz.",
    "None.": "Yok.",
    "Or type this key into it:": "Ya da şu anahtarı uygulamaya yazın:",
    "Passkeys": "Geçiş anahtarları",
    "Password": "Parola",
    "Profile": "Profil",
    "Programs that may ask the people of your business for access to it.": (
        "İşletmenizdeki kişilerden erişim isteyebilecek programlar."
    ),
    "Protect your account with a code that only your phone knows. Scan this with an authenticator app:": (
        "Hesabınızı yalnızca telefonunuzun bildiği bir kodla koruyun. Bunu bir doğrulama uygulamasıyla okutun:"
    ),
    "Redirect URIs": "Yönlendirme adresleri",
    "Register": "Kaydet",
    "Register an application": "Uygulama kaydet",
    "Revoke": "İptal et",
    "Revoke {name}": "İptal et: {name}",
    "Role": "Rol",
    "Role of a service": "Servisin rolü",
    "Save": "Kaydet",
    "Scopes": "Kapsamlar",
    "Second factor": "İkinci adım",
    "Second step": "İkinci adım",
    "Secret": "Gizli anahtar",
    "Sessions": "Oturumlar",
    "Sign in": "Giriş yap",
    "Sign in again": "Yeniden giriş yap",
    "Sign in with a passkey": "Geçiş anahtarıyla giriş yap",
    "Sign in with your fingerprint, your face or a security key instead of a password.": (
        "Parola yerine parmak iziniz, yüzünüz ya da bir güvenlik anahtarıyla giriş yapın."
    ),
    "Sign out": "Çıkış yap",
    "Sign out?": "Çıkış yapılsın mı?",
    "Skip to the content": "İçeriğe geç",
    "Something is not right": "Bir sorun var",
    "Stay signed in": "Oturumu açık bırak",
    "The code that it shows": "Gösterdiği kod",
    "The device was refused": "Cihaz reddedildi",
    "The operator of this service registered the application.": "Uygulamayı bu servisin işletmecisi kaydetti.",
    "The passkey could not be made. Try again.": "Geçiş anahtarı oluşturulamadı. Yeniden deneyin.",
    "The passkey could not be used. Try again, or sign in with your password.": (
        "Geçiş anahtarı kullanılamadı. Yeniden deneyin ya da parolanızla giriş yapın."
    ),
    "Then you go on to {name}.": "Sonra {name} uygulamasına devam edersiniz.",
    "To add a passkey, your browser must run the script of this page.": (
        "Geçiş anahtarı eklemek için tarayıcınızın bu sayfanın betiğini çalıştırması gerekir."
    ),
    "Turn it off": "Kapat",
    "Turn it on": "Aç",
    "Unknown browser": "Bilinmeyen tarayıcı",
    "Use another account": "Başka bir hesap kullan",
    "What is it for?": "Ne için?",
    "What is it?": "Bu nedir?",
    "What may it ask for?": "Neleri isteyebilir?",
    "What may it do?": "Neler yapabilir?",
    "Where people are sent back to, one in a line. A device or a service has none.": (
        "Kişilerin geri gönderileceği adresler, her satırda bir tane. Cihaz ya da serviste olmaz."
    ),
    "Where you are signed in.": "Oturumunuzun açık olduğu yerler.",
    "Where?": "Nerede?",
    "Yes, end all its access.": "Evet, bütün erişimi sona erdir.",
    "You are signed out": "Çıkış yaptınız",
    "You can close this page and go on at the device.": "Bu sayfayı kapatıp cihazda devam edebilirsiniz.",
    "You can withdraw this at any time under My account, Connected applications.": (
        "Bunu istediğiniz zaman Hesabım, Bağlı uygulamalar sayfasında geri alabilirsiniz."
    ),
    "You have allowed this before.": "Buna daha önce izin verdiniz.",
    "Your device is connected": "Cihazınız bağlandı",
    "Your password": "Parolanız",
    "Your password now": "Şimdiki parolanız",
    "in {tenant}": "{tenant} işletmesinde",
    "in all businesses": "bütün işletmelerde",
    "expired": "süresi doldu",
    "Logo": "Logo",
    "good until {time}": "{time} tarihine kadar geçerli",
    "last used {time}": "son kullanım {time}",
    "never used": "hiç kullanılmadı",
    "since {time}": "{time} tarihinden beri",
    "this one": "bu oturum",
    "{days} days": "{days} gün",
    "{name} asks to act for {user} ({email}).": "{name}, {user} ({email}) adına işlem yapmak istiyor.",
    "{name} asks to sign you out here, too.": "{name}, buradaki oturumunuzu da kapatmak istiyor.",
    "{number} recovery codes are left.": "{number} kurtarma kodu kaldı.",
    # What scopes allow
    "Know who you are.": "Kim olduğunuzu bilmek.",
    "See your name.": "Adınızı görmek.",
    "See your e-mail address.": "E-posta adresinizi görmek.",
    "Stay signed in when you are away.": "Siz yokken de oturumu açık tutmak.",
    "See your account, and which businesses you belong to.": "Hesabınızı ve üye olduğunuz işletmeleri görmek.",
    "Change your name.": "Adınızı değiştirmek.",
    "See which businesses you belong to.": "Üye olduğunuz işletmeleri görmek.",
    "Change your businesses' settings and channels.": "İşletmelerinizin ayarlarını ve kanallarını değiştirmek.",
    "See the people who work in your businesses.": "İşletmelerinizde çalışan kişileri görmek.",
    "Add and remove people who work in your businesses, and change their roles.": (
        "İşletmelerinizde çalışan kişileri eklemek, çıkarmak ve rollerini değiştirmek."
    ),
    "See the customers of your businesses.": "İşletmelerinizin müşterilerini görmek.",
    "Add, change and remove customers of your businesses.": (
        "İşletmelerinizin müşterilerini eklemek, değiştirmek ve kaldırmak."
    ),
    # Kinds of applications, and roles
    "A web application with a server that can keep a secret.": (
        "Gizli anahtar saklayabilen, sunuculu bir web uygulaması."
    ),
    "A mobile or desktop app.": "Mobil ya da masaüstü uygulaması.",
    "An application that runs in the browser alone.": "Yalnızca tarayıcıda çalışan bir uygulama.",
    "A device without a browser, like a television or a till.": (
        "Televizyon ya da yazar kasa gibi tarayıcısız bir cihaz."
    ),
    "A service that acts for nobody, like a nightly export.": (
        "Kimsenin adına çalışmayan, gece aktarımı gibi bir servis."
    ),
    "owner": "sahip",
    "admin": "yönetici",
    "agent": "temsilci",
    "viewer": "izleyici",
    # What was done, and what was wrong
    "Your name was changed.": "Adınız değiştirildi.",
    "Your password was changed. All your other sessions have ended.": (
        "Parolanız değiştirildi. Diğer bütün oturumlarınız kapandı."
    ),
    "The session has ended.": "Oturum kapandı.",
    "All your other sessions have ended.": "Diğer bütün oturumlarınız kapandı.",
    "The application was disconnected. Its access has ended.": "Uygulamanın bağlantısı kesildi. Erişimi sona erdi.",
    "The token was revoked.": "Anahtar iptal edildi.",
    "The second factor is off.": "İkinci adım kapalı.",
    "The passkey was added.": "Geçiş anahtarı eklendi.",
    "The passkey was deleted.": "Geçiş anahtarı silindi.",
    "This is not your password, or you have tried too often: then wait a minute.": (
        "Bu sizin parolanız değil ya da çok sık denediniz: öyleyse bir dakika bekleyin."
    ),
    "The password must have 8 to 1024 characters.": "Parola 8 ile 1024 karakter arasında olmalıdır.",
    "The name must have 1 to 255 characters that can be printed.": "Ad, yazdırılabilir 1 ile 255 karakter olmalıdır.",
    "The name must have 1 to 100 characters that can be printed.": "Ad, yazdırılabilir 1 ile 100 karakter olmalıdır.",
    "Give 1 to 20 redirect URIs.": "1 ile 20 arasında yönlendirme adresi verin.",
    "The logo must be an address that starts with https://.": "Logo, https:// ile başlayan bir adres olmalıdır.",
    "This code is wrong. See that your phone's clock is right, and try the next code.": (
        "Bu kod yanlış. Telefonunuzun saatinin doğru olduğuna bakın ve sonraki kodu deneyin."
    ),
    "The e-mail address or the password is wrong.": "E-posta adresi ya da parola yanlış.",
    "This code is wrong, or was used already.": "Bu kod yanlış ya da daha önce kullanıldı.",
    "Too many attempts. Wait {seconds} seconds and try again.": (
        "Çok fazla deneme yapıldı. {seconds} saniye bekleyip yeniden deneyin."
    ),
    "This passkey is not known here.": "Bu geçiş anahtarı burada bilinmiyor.",
    "This code is not known, or has expired. Look at your device for a new one.": (
        "Bu kod bilinmiyor ya da süresi doldu. Yenisi için cihazınıza bakın."
    ),
    "Too many wrong codes. Wait {seconds} seconds and try again.": (
        "Çok fazla yanlış kod girildi. {seconds} saniye bekleyip yeniden deneyin."
    ),
    "This device has been answered already.": "Bu cihaza daha önce yanıt verildi.",
    "This application is only for people of the business that registered it.": (
        "Bu uygulama yalnızca onu kaydeden işletmenin kişileri içindir."
    ),
    "There is nothing at this address.": "Bu adreste bir şey yok.",
    "The application that sent you here is not known.": "Sizi buraya gönderen uygulama bilinmiyor.",
    "The application wants you sent to an address that it has not registered. Nothing was sent there.": (
        "Uygulama sizi kayıtlı olmayan bir adrese göndermek istiyor. Oraya hiçbir şey gönderilmedi."
    ),
    "The application sent a parameter twice.": "Uygulama bir parametreyi iki kez gönderdi.",
    "This form has been open for too long. Go back, reload the page and try again.": (
        "Bu form çok uzun süre açık kaldı. Geri dönün, sayfayı yenileyin ve yeniden deneyin."
    ),
    "The database does not answer.": "Veritabanı yanıt vermiyor.",
    "The form cannot be read.": "Form okunamıyor.",
    "The parameters cannot be read.": "Parametreler okunamıyor.",
    "The parameters cannot be read: they contain a NUL character.": (
        "Parametreler okunamıyor: NUL karakteri içeriyorlar."
    ),
    "Send the form as application/x-www-form-urlencoded.": (
        "Form, application/x-www-form-urlencoded olarak gönderilmelidir."
    ),
    "A service account acts in one tenant: name it.": "Hizmet hesabı tek bir işletmede çalışır: onu seçin.",
    "The request is not valid.": "İstek geçerli değil.",
    "There is no such session; it may have ended already.": "Böyle bir oturum yok; belki çoktan kapandı.",
    "There is no such passkey; it may have been removed already.": (
        "Böyle bir geçiş anahtarı yok; belki çoktan silindi."
    ),
    "There is no such token; it may have been revoked already.": "Böyle bir anahtar yok; belki çoktan iptal edildi.",
    "This application is not connected (any more).": "Bu uygulama bağlı değil (ya da artık değil).",
    "Making the passkey took too long; try again.": "Geçiş anahtarını oluşturmak çok uzun sürdü; yeniden deneyin.",
    "The passkey could not be verified; try again.": "Geçiş anahtarı doğrulanamadı; yeniden deneyin.",
    "This passkey is known already.": "Bu geçiş anahtarı zaten kayıtlı.",
    "A token must be good for 1 second to 365 days.": "Anahtar en az 1 saniye, en çok 365 gün geçerli olabilir.",
    "The database took too long to answer.": "Veritabanının yanıtı çok uzun sürdü.",
    "The role is a service account's: admin, agent or viewer.": (
        "Rol, hizmet hesapları içindir: admin, agent ya da viewer."
    ),
}

# What an error says about a value of the user's: the value goes where the braces are.
WITH_VALUES = {
    "The redirect URI {uri} is not a URI: it must be absolute, printable ASCII, and have no wildcard.": (
        "{uri} bir yönlendirme adresi değil: tam bir adres olmalı; ASCII dışında karakter ve joker içermemelidir."
    ),
    "The redirect URI {uri} must have no fragment (#).": "{uri} yönlendirme adresinde # bölümü olmamalıdır.",
    "The redirect URI {uri} must start with https:// (or be a loopback address, for development).": (
        "{uri} yönlendirme adresi https:// ile başlamalıdır (geliştirme için yerel bir adres de olabilir)."
    ),
    "The redirect URI {uri} must have a scheme named after a domain of yours, like {example}, or https://.": (
        "{uri} yönlendirme adresinin şeması {example} gibi bir alan adınızı taşımalı ya da https:// olmalıdır."
    ),
    "The redirect URI {uri} must have no user name.": "{uri} yönlendirme adresinde kullanıcı adı olmamalıdır.",
    "The redirect URI {uri} is not a URI: its host or port cannot be read.": (
        "{uri} bir yönlendirme adresi değil: sunucu adı ya da bağlantı noktası okunamıyor."
    ),
    "The redirect URI {uri} is not a URI: it names no host.": (
        "{uri} bir yönlendirme adresi değil: geçerli bir sunucu adı yok."
    ),
    "The redirect URI {uri} must start with https://; plain http is for loopback addresses alone.": (
        "{uri} yönlendirme adresi https:// ile başlamalıdır; düz http yalnızca yerel adresler içindir."
    ),
    "An application of the kind {kind} has no redirect URI.": (
        "{kind} türünden bir uygulamanın yönlendirme adresi olmaz."
    ),
    "Give scopes of {scopes}.": "Şu izinlerden seçin: {scopes}.",
    "A service account is nobody's: it cannot have {scopes}.": (
        "Hizmet hesabı bir kişinin değildir: şu izinleri alamaz: {scopes}."
    ),
    "There is no application {name}.": "{name} adında bir uygulama yok.",
    "There is no tenant {number}.": "{number} numaralı bir işletme yok.",
    "The user is no member of tenant {number}.": "{number} numaralı işletmenin üyesi değilsiniz.",
    "The kind must be one of {kinds}, not {name}.": "Türü şunlardan biri olmalıdır: {kinds}; {name} olamaz.",
    "There is no scope {name} for a personal token; there are {scopes}.": (
        "Kişisel anahtarlarda {name} izni yoktur; olanlar: {scopes}."
    ),
    "The database cannot be used just now: {reason}.": "Veritabanı şu anda kullanılamıyor: {reason}.",
    "{method} cannot be used here; {methods} can.": "{method} burada kullanılamaz; {methods} kullanılabilir.",
    "The query string has {number} characters; at most {most} are read.": (
        "Adresin sorgu kısmı {number} karakter; en çok {most} karakter okunur."
    ),
    "Something went wrong here. Give this number when you ask about it: {number}.": (
        "Burada bir şeyler ters gitti. Bunu sorarken şu numarayı verin: {number}."
    ),
    "A token must have at least one scope of {scopes}.": "Anahtarın en az bir izni olmalıdır: {scopes}.",
}
