<?php

/*
 * Build one class map, as 'composer install --optimize-autoloader' does. Debian's packages have 80 separate autoloaders,
 * which PHP would otherwise try in sequence.
 */

require_once 'Illuminate/autoload.php';

$files = array_filter(get_included_files(), fn ($file) => $file !== __FILE__ && basename($file) !== 'autoload.php');
$classes = [];

foreach (spl_autoload_functions() as $load) {
    // Swift Mailer's autoloader is not a closure; it is loaded with its file.
    if (! $load instanceof Closure) {
        continue;
    }
    // Each of Debian's autoloaders fills its class map, a static variable, in its first call.
    $load('Unknown');
    $reflection = new ReflectionFunction($load);

    foreach ($reflection->getStaticVariables()['classes'] as $class => $file) {
        $classes[$class] ??= dirname($reflection->getFileName()).$file;
    }
}

$requires = array_map(fn ($file) => 'require_once '.var_export($file, true).";\n", $files);

file_put_contents(__DIR__.'/cache/files.php', "<?php\n\n".implode($requires));
file_put_contents(__DIR__.'/cache/classes.php', "<?php\n\nreturn ".var_export($classes, true).";\n");
