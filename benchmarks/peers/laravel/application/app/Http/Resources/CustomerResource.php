<?php

namespace App\Http\Resources;

use Illuminate\Http\Resources\Json\JsonResource;

class CustomerResource extends JsonResource
{
    public function toArray($request)
    {
        return [
            'id' => $this->id,
            'first_name' => $this->first_name,
            'last_name' => $this->last_name,
            'phone_number' => $this->phone_number,
            'email' => $this->email,
            'date_of_birth' => $this->date_of_birth?->toIso8601ZuluString(),
            'gender' => $this->gender,
            'country_name' => $this->country?->name,
            'identity_number' => $this->identity_number,
            'job' => $this->job,
            'address' => $this->address,
            'default_channel_id' => $this->default_channel_id,
            'avatar_url' => $this->avatar_url,
            'related_user' => $this->user?->only(['id', 'name']),
            'created_at' => $this->created_at->toIso8601ZuluString(),
            'updated_at' => $this->updated_at->toIso8601ZuluString(),
            'deleted_at' => $this->deleted_at?->toIso8601ZuluString(),
        ];
    }
}
