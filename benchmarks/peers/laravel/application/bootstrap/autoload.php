<?php

$cached = __DIR__.'/cache/classes.php';

if (! is_file($cached)) {
    require_once 'Illuminate/autoload.php';
}

spl_autoload_register(function (string $class) use ($cached): void {
    static $classes = null;
    $classes ??= is_file($cached) ? require $cached : [];
    $file = $classes[strtolower($class)] ?? null;

    if ($file !== null) {
        require $file;
    } elseif (str_starts_with($class, 'App\\')) {
        require dirname(__DIR__).'/app/'.strtr(substr($class, 4), '\\', '/').'.php';
    }
}, prepend: true);

if (is_file($cached)) {
    require __DIR__.'/cache/files.php';
}
