<?php

namespace App\Exceptions;

use Illuminate\Foundation\Exceptions\Handler as ExceptionHandler;

class Handler extends ExceptionHandler
{
    // Everything here is an API, whatever a client says that it accepts.
    protected function shouldReturnJson($request, \Throwable $e)
    {
        return true;
    }
}
