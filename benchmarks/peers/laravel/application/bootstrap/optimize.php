<?php

/*
 * What 'composer install --optimize-autoloader' does for others: one list of all classes instead of the 80 that Debian's
 * packages have, which are asked one after the other.
 */

require_once 'Illuminate/autoload.php';

$files = array_filter(get_included_files(), fn ($file) => $file !== __FILE__ && basename($file) !== 'autoload.php');
$classes = [];

foreach (spl_autoload_functions() as $load) {
    // Swift Mailer's own way of loading comes with its file.
    if (! $load instanceof Closure) {
        continue;
    }
    // Each of Debian's has its list in a static variable, from its first call on.
    $load('Unknown');
    $reflection = new ReflectionFunction($load);

    foreach ($reflection->getStaticVariables()['classes'] as $class => $file) {
        $classes[$class] ??= dirname($reflection->getFileName()).$file;
    }
}

$requires = array_map(fn ($file) => 'require_once '.var_export($file, true).";\n", $files);

file_put_contents(__DIR__.'/cache/files.php', "<?php\n\n".implode($requires));
file_put_contents(__DIR__.'/cache/classes.php', "<?php\n\nreturn ".var_export($classes, true).";\n");
