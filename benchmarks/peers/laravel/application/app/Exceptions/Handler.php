<?php

namespace App\Exceptions;

use Illuminate\Foundation\Exceptions\Handler as ExceptionHandler;

class Handler extends ExceptionHandler
{
    // Return JSON for every error, whatever the Accept header says.
    protected function shouldReturnJson($request, \Throwable $e)
    {
        return true;
    }
}
